/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* check_expr.h - does the answer to a check satisfy its ProxyHCExpr?
 * Knows    httpd's expressions, and hc('body') and %{HC_BODY} in them, as in mod_proxy_hcheck.
 * Ignores  how the answer came.
 * Memory   the caller's pool.   Threads: any. */
#ifndef LB_CHECK_EXPR_H
#define LB_CHECK_EXPR_H

#include "ap_expr.h"
#include "mod_balancer_byrequests.h"

/** Evaluate an expression on an answer.
 *  returns  1 it holds, 0 it does not, negative: it cannot be evaluated, see *err */
int lb_check_expr_holds(const ap_expr_info_t *expr, const lb_check_t *check,
                        const lb_check_result_t *result, apr_pool_t *p, const char **err);

/** Hook body of expr_lookup. */
int lb_check_expr_lookup(ap_expr_lookup_parms *parms);

#endif
