/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* local_client.c - see local_client.h.
 * Knows    the headers that proxies add, the provider interface of mod_authz_core.
 * Ignores  which addresses are local: mod_authz_host's provider does that.
 * Memory   none.   Threads: the provider is written while the configuration is read. */
#include "local_client.h"

#include "ap_provider.h"
#include "fastcgi_log.h"
#include "handler_name.h"
#include "http_log.h"
#include "http_request.h"
#include "mod_auth.h"

APLOG_USE_MODULE(balancer_manager);

static const authz_provider *of_httpd;

/* returns  NULL when it does not say that it came through a proxy */
static const char *proxys_header(const request_rec *r)
{
    static const char *const names[] = { "Forwarded", "X-Forwarded-For", "X-Real-IP", "Via" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (apr_table_get(r->headers_in, names[i])) {
            return names[i];
        }
    }
    return NULL;
}

static authz_status check(request_rec *r, const char *line, const void *parsed)
{
    const authz_status status = of_httpd->check_authorization(r, line, parsed);
    const char *header = status == AUTHZ_GRANTED && mgr_handler_name_is_meant(r) ? proxys_header(r)
                                                                                 : NULL;

    if (!header) {
        return status;
    }
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r, FCLOGNO(0652)
                  "manager: a request with a %s header came through a proxy and is not local: let "
                  "users log in, or permit the proxy with Require ip and BalancerManagerRequire",
                  header);
    return AUTHZ_DENIED;
}

int mgr_local_client_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    static authz_provider ours = { check };

    of_httpd = ap_lookup_provider(AUTHZ_PROVIDER_GROUP, "local", AUTHZ_PROVIDER_VERSION);
    if (of_httpd) {    /* mod_authz_host is loaded */
        ours.parse_require_line = of_httpd->parse_require_line;
        ap_register_auth_provider(pconf, AUTHZ_PROVIDER_GROUP, "local", AUTHZ_PROVIDER_VERSION,
                                  &ours, AP_AUTH_INTERNAL_PER_CONF);
    }
    return OK;
}
