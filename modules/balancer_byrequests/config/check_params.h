/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* check_params.h - what is configured for the checks of fcgi:// and fcgis:// members.
 * Knows    hcmethod, hcuri, hcinterval, hctimeout, hcpasses, hcfails, hcexpr, hctemplate, hcstatus;
 *          ProxyHCExpr and ProxyHCTemplate, which mod_proxy_hcheck reads as well when it is loaded.
 * Ignores  members of other schemes (mod_proxy_hcheck checks those); how a check is made.
 * Memory   pconf; read-only at run time. */
#ifndef LB_CHECK_PARAMS_H
#define LB_CHECK_PARAMS_H

#include <stdbool.h>

#include "ap_expr.h"
#include "http_config.h"
#include "mod_proxy.h"

/* Durations are us. */
typedef struct {
    bool is_checked;                 /* false: only the status page is read */
    const char *method;              /* GET, HEAD, OPTIONS; NULL: to connect is all */
    const char *uri;
    apr_interval_time_t interval;
    apr_interval_time_t timeout;
    int passes, fails;               /* in a row, to come back and to go out */
    const char *expr_name;           /* of a ProxyHCExpr; NULL: the status decides */
    const ap_expr_info_t *expr;
    const char *status_address;      /* host:port or unix:/path; NULL: the member's own */
    const char *status_uri;          /* NULL: there is no status page */
} lb_check_params_t;

/** Hook body of pre_config: forget the configuration before. */
int lb_check_params_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);

/** Is its scheme fcgi or fcgis? */
bool lb_check_params_is_fastcgi(const proxy_worker *worker);

/** Are the checks of this worker ours? It is a FastCGI one, and our handler is loaded. */
bool lb_check_params_are_ours(const proxy_worker *worker);

/** Take one hc... parameter of a member that is ours.
 *  returns  NULL, or what is wrong */
const char *lb_check_params_set(apr_pool_t *p, server_rec *s, proxy_worker *member,
                                const char *key, const char *val);

/** All of the configuration is read: put a member's parameters together.
 *  returns  NULL, or what is wrong */
const char *lb_check_params_resolve(apr_pool_t *p, server_rec *s,
                                    const proxy_worker *member);

/** The parameters of a member; NULL when nothing is to be done for it. */
const lb_check_params_t *lb_check_params_of(const proxy_worker *member);

/** The directives ProxyHCExpr and ProxyHCTemplate. */
const char *lb_check_params_define_expr(cmd_parms *cmd, void *unused, const char *args);
const char *lb_check_params_define_template(cmd_parms *cmd, void *unused, const char *args);

#endif
