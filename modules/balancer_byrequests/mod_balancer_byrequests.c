/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* mod_balancer_byrequests.c - the face of the balancer: owner of balancer:// in mod_proxy, in the
 * place of mod_proxy_balancer and mod_lbmethod_byrequests. */
#include "configtest.h"
#include "balancer_settings.h"
#include "check_expr.h"
#include "check_params.h"
#include "checks.h"
#include "contract.h"
#include "discover_params.h"
#include "discovery_thread.h"
#include "dispatch.h"
#include "drain.h"
#include "fleet_settings.h"
#include "fleet_thread.h"
#include "http_config.h"
#include "intent_keeper.h"
#include "member_params.h"
#include "member_state.h"
#include "module_alias.h"
#include "mpm_common.h"
#include "lbmethod.h"
#include "resolver_settings.h"
#include "session_cookie.h"
#include "share_exchange.h"
#include "startup.h"
#include "state_dir.h"
#include "state_keeper.h"
#include "child_thread.h"

extern __attribute__((visibility("default")))
module AP_MODULE_DECLARE_DATA balancer_byrequests_module;

static void register_hooks(apr_pool_t *p)
{
    /* none of them can be loaded beside us (configtest.h) */
    static const char *const aliases[] = { "proxy_balancer_module", "mod_proxy_balancer.c",
                                           "lbmethod_byrequests_module",
                                           "mod_lbmethod_byrequests.c", NULL };
    static const char *const mod_proxy[] = { "mod_proxy.c", NULL };

    fc_module_alias_register(&balancer_byrequests_module, aliases);
    lb_lbmethod_register(p);
    lb_contract_register();
    ap_hook_pre_config(lb_configtest_pre_config, NULL, mod_proxy, APR_HOOK_MIDDLE);
    ap_hook_pre_config(lb_check_params_pre_config, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_pre_config(lb_discover_params_pre_config, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_pre_config(lb_resolver_settings_pre_config, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_pre_config(lb_fleet_settings_pre_config, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_pre_config(lb_state_dir_pre_config, NULL, NULL, APR_HOOK_FIRST);
    /* between the two stands mod_proxy_fastcgi, with APR_HOOK_FIRST + 1 */
    ap_hook_pre_config(lb_member_params_pre_config, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_pre_config(lb_member_params_note_written, NULL, NULL, APR_HOOK_FIRST + 2);
    ap_hook_check_config(lb_configtest_check, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(lb_startup_post_config, mod_proxy, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(lb_member_state_post_config, NULL, NULL, APR_HOOK_LAST);
    ap_hook_post_config(lb_drain_post_config, NULL, NULL, APR_HOOK_LAST);
    ap_hook_post_config(lb_session_cookie_post_config, NULL, NULL, APR_HOOK_LAST);
    ap_hook_post_config(lb_checks_post_config, NULL, NULL, APR_HOOK_LAST);
    ap_hook_post_config(lb_discovery_thread_post_config, NULL, NULL, APR_HOOK_LAST);
    ap_hook_post_config(lb_fleet_thread_post_config, NULL, NULL, APR_HOOK_LAST);
    ap_hook_post_config(lb_share_exchange_post_config, NULL, NULL, APR_HOOK_LAST);
    ap_hook_post_config(lb_intent_keeper_post_config, NULL, NULL, APR_HOOK_LAST + 1);
    ap_hook_expr_lookup(lb_check_expr_lookup, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(lb_startup_child_init, NULL, mod_proxy, APR_HOOK_MIDDLE);
    ap_hook_monitor(lb_state_keeper_monitor, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(lb_child_thread_child_init, NULL, NULL, APR_HOOK_LAST);
    ap_hook_child_init(lb_discovery_thread_child_init, NULL, NULL, APR_HOOK_LAST);
    ap_hook_child_init(lb_fleet_thread_child_init, NULL, NULL, APR_HOOK_LAST);
    proxy_hook_pre_request(lb_dispatch_pre_request, NULL, NULL, APR_HOOK_FIRST);
    proxy_hook_post_request(lb_dispatch_post_request, NULL, NULL, APR_HOOK_FIRST);
    proxy_hook_canon_handler(lb_dispatch_canon, NULL, NULL, APR_HOOK_FIRST);
}

AP_DECLARE_MODULE(balancer_byrequests) = {
    STANDARD20_MODULE_STUFF,
    NULL,              /* per-directory configuration */
    NULL,
    lb_balancer_settings_create,
    lb_balancer_settings_merge,
    lb_balancer_settings_directives,
    register_hooks
};
