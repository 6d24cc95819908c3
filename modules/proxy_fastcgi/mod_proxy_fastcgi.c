/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* mod_proxy_fastcgi.c - the face of the FastCGI handler for mod_proxy: fcgi://. */
#include "ap_mpm.h"
#include "cgi_variables.h"
#include "check_thread.h"
#include "config_check.h"
#include "connection_counts.h"
#include "handler.h"
#include "http_config.h"
#include "json_log.h"
#include "large_reads.h"
#include "log_notes.h"
#include "mod_proxy.h"
#include "module_alias.h"
#include "park.h"
#include "pool.h"
#include "proxy_config.h"
#include "script_path.h"
#include "slow_client.h"
#include "status_section.h"
#include "stray_handler.h"
#include "trace_log.h"
#include "trace_random.h"
#include "tracing.h"
#include "wait_policy.h"
#include "worker_params.h"

extern __attribute__((visibility("default")))
module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;

#define SWITCH(name, field, help)                                                  \
    AP_INIT_FLAG(name, ap_set_flag_slot, (void *)APR_OFFSETOF(fcgi_proxy_config_t, field), \
                 OR_FILEINFO, help)

static const command_rec directives[] = {
    AP_INIT_TAKE1("ProxyFCGIBackendType", fcgi_proxy_config_set_backend_type, NULL, OR_FILEINFO,
                  "FPM (the default) or GENERIC: the type of the FastCGI server"),
    AP_INIT_TAKE23("ProxyFCGISetEnvIf", fcgi_proxy_config_add_env_rule, NULL, OR_FILEINFO,
                   "condition, [!]variable and value: change a variable for the FastCGI server"),
    AP_INIT_TAKE12("ProxyFCGIRequestBody", fcgi_proxy_config_set_body_mode, NULL, OR_FILEINFO,
                   "Spool (the default) or Stream, and minrate=size: how bodies are passed on, "
                   "and the minimum rate of a streamed one in bytes per second"),
    AP_INIT_TAKE12("ProxyFCGISpoolLimit", fcgi_proxy_config_set_spool_limit, NULL, OR_FILEINFO,
                   "size, and Refuse (the default) or Stream: the largest request body that is "
                   "spooled, and what happens to a larger one"),
    AP_INIT_TAKE1("ProxyFCGISpoolMemory", fcgi_proxy_config_set_spool_memory, NULL, OR_FILEINFO,
                  "size: how much of a spooled request body is kept in memory, before a file"),
    AP_INIT_TAKE1("ProxyFCGIAbsorbLimit", fcgi_proxy_config_set_absorb_limit, NULL, OR_FILEINFO,
                  "size: how much of a response is buffered for a slow client; 0: none"),
    AP_INIT_ITERATE("ProxyFCGISendfileRoot", fcgi_proxy_config_add_sendfile_root, NULL,
                    RSRC_CONF | ACCESS_CONF,
                    "directories from which an application may send files with X-Sendfile"),
    AP_INIT_ITERATE("ProxyFCGIRetryOn", fcgi_proxy_config_add_retry_word, NULL, OR_FILEINFO,
                    "words: the failures after which a request goes on to another member"),
    SWITCH("ProxyFCGIRetryNonIdempotent", retries_non_idempotent,
           "On: POST and other non-idempotent requests may be repeated like GET"),
    SWITCH("ProxyFCGIIgnoreClientAbort", ignores_client_abort,
           "On: the application finishes after the client has disconnected"),
    SWITCH("ProxyFCGIInternalRedirect", redirects_internally,
           "On: httpd follows a local Location and X-Accel-Redirect internally"),
    SWITCH("ProxyFCGICheckScript", checks_script,
           "On: 404 if the script is not a file on this machine"),
    SWITCH("ProxyFCGIPassAuth", passes_auth,
           "On: the application gets the Authorization header"),
    AP_INIT_TAKE_ARGV("ProxyFCGITrace", fcgi_proxy_config_set_trace, NULL, RSRC_CONF | ACCESS_CONF,
                      "On or Off (the default), sample=percent, trust=expression: whether requests "
                      "are traced, how many, and whose traceparent is believed"),
    AP_INIT_TAKE1("ProxyFCGITraceLog", fcgi_trace_log_set, NULL, RSRC_CONF,
                  "a file, or | and a program: where spans are written as OTLP JSON"),
    AP_INIT_ITERATE("ProxyFCGIPark", fcgi_wait_policy_set, NULL, RSRC_CONF,
                    "On (the default) or Off, share=percent, max=count, overflow=wait|refuse: "
                    "when requests wait without a thread"),
    { NULL }
};

static int open_shared(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    int processes = 0;

    ap_mpm_query(AP_MPMQ_HARD_LIMIT_DAEMONS, &processes);
    return fcgi_connection_counts_open(s->process->pool, processes) == APR_SUCCESS
                   && fcgi_check_thread_open(s->process->pool) == APR_SUCCESS
               ? OK
               : HTTP_INTERNAL_SERVER_ERROR;
}

static void start_child(apr_pool_t *pchild, server_rec *s)
{
    fcgi_connection_counts_join(pchild);
    fcgi_cgi_variables_start(pchild);
    fcgi_trace_random_fork();
    fcgi_wait_policy_child_init(pchild, s);
    fcgi_pool_start_reaper(pchild);
    fcgi_check_thread_start(pchild, s);
}

static void register_hooks(apr_pool_t *p)
{
    static const char *const stock[] = { "mod_proxy_fcgi.c", NULL };    /* may stay loaded */
    static const char *const aliases[] = { "proxy_fcgi_module", "mod_proxy_fcgi.c", NULL };
    static const char *const balancer[] = { "mod_balancer_byrequests.c", NULL };
    static const char *const members[] = { "mod_balancer_byrequests.c", "mod_proxy.c", NULL };

    fc_module_alias_register(&proxy_fastcgi_module, aliases);
    /* mod_balancer_byrequests stands before and after us; all before mod_proxy's MIDDLE */
    ap_hook_pre_config(fcgi_worker_params_pre_config, NULL, NULL, APR_HOOK_FIRST + 1);
    ap_hook_pre_config(fcgi_wait_policy_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_config(fcgi_trace_log_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_config(fcgi_json_log_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_open_logs(fcgi_trace_log_open, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(fcgi_config_check, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(fcgi_wait_policy_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    fcgi_park_register_hooks(p);
    fcgi_status_section_register();
    fcgi_slow_client_register();
    fcgi_large_reads_register();
    fcgi_stray_handler_register();
    fcgi_log_notes_register();
    ap_hook_post_config(open_shared, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(fcgi_config_check_httpd, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(start_child, members, NULL, APR_HOOK_MIDDLE);
    proxy_hook_pre_request(fcgi_tracing_pre_request, NULL, balancer, APR_HOOK_FIRST);
    proxy_hook_scheme_handler(fcgi_handler_run, NULL, stock, APR_HOOK_FIRST);
    proxy_hook_canon_handler(fcgi_script_path_canon, NULL, stock, APR_HOOK_FIRST);
    ap_hook_optional_fn_retrieve(fcgi_handler_find_balancer, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_optional_fn_retrieve(fcgi_check_thread_find_balancer, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(proxy_fastcgi) = {
    STANDARD20_MODULE_STUFF,
    fcgi_proxy_config_create,
    fcgi_proxy_config_merge,
    NULL,              /* per-server configuration */
    NULL,
    directives,
    register_hooks
};
