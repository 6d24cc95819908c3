/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* mod_balancer_manager.c - FACE: shows and changes the balancers of mod_balancer_byrequests.
 * Threads  hooks only; see router.c. */
#include "audit.h"
#include "balancer_calls.h"
#include "bearer.h"
#include "contract_stamp.h"
#include "csrf.h"
#include "directives.h"
#include "fastcgi_log.h"
#include "httpd.h"
#include "http_config.h"
#include "http_log.h"
#include "http_request.h"
#include "local_client.h"
#include "manager_config.h"
#include "router.h"
#include "server_status.h"
#include "start_time.h"

extern __attribute__((visibility("default"))) module AP_MODULE_DECLARE_DATA balancer_manager_module;

/* check_config and not post_config: only the former runs in `apachectl configtest`. */
static int check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    const char *wrong = fc_contract_refusal(ptemp, "mod_balancer_manager");

    (void)fc_start_time(s->process->pool);    /* the moment is now, if it has not come yet */
    if (!wrong) {
        wrong = mgr_balancer_calls_connect();
    }
    if (!wrong) {
        mgr_balancer_calls_listen(mgr_audit_hear);
        return OK;
    }
    ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, FCLOGNO(0600) "%s", wrong);
    return HTTP_INTERNAL_SERVER_ERROR;
}

static void register_hooks(apr_pool_t *p)
{
    static const char *const stock[] = { "mod_proxy_balancer.c", NULL };

    ap_hook_pre_config(mgr_local_client_pre_config, NULL, NULL, APR_HOOK_LAST);
    ap_hook_check_config(check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(mgr_csrf_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(mgr_audit_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_translate_name(mgr_router_pre_translate, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_force_authn(mgr_bearer_force, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_authn(mgr_bearer_authenticate, NULL, NULL, APR_HOOK_FIRST,
                        AP_AUTH_INTERNAL_PER_CONF);
    mgr_server_status_register(p);
    ap_hook_handler(mgr_router_handle, NULL, stock, APR_HOOK_FIRST);
}

AP_DECLARE_MODULE(balancer_manager) = {
    STANDARD20_MODULE_STUFF,
    mgr_manager_config_create,
    mgr_manager_config_merge,
    NULL, /* per-server configuration */
    NULL,
    mgr_directives,
    register_hooks,
    0,
};
