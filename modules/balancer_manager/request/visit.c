/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* visit.c - gathers what a view shows.
 * Knows    the parameters that choose a balancer and a member.
 * Ignores  how it is shown (view_*.c) and what is changed (form_change.c).
 * Memory   r->pool.   Threads: one request, one thread. */
#include "visit.h"

#include <stdarg.h>

#include <apr_strings.h>

#include "balancer_calls.h"
#include "csrf.h"

mgr_visit_t *mgr_visit_make(request_rec *r, const char *base, unsigned int rights)
{
    mgr_visit_t *answer = apr_pcalloc(r->pool, sizeof(*answer));

    answer->r = r;
    answer->base = base;
    answer->status = HTTP_OK;
    answer->rights = rights;
    answer->token = mgr_rights_have(rights, MGR_OPERATE) ? mgr_csrf_token(r) : "";
    answer->balancers = apr_array_make(r->pool, 0, sizeof(lb_balancer_view_t));
    answer->notes = apr_array_make(r->pool, 2, sizeof(const char *));
    return answer;
}

int mgr_visit_is_for_browser(const mgr_visit_t *answer)
{
    const char *accept = apr_table_get(answer->r->headers_in, "Accept");
    return accept && ap_strcasestr(accept, "text/html");
}

void mgr_visit_look(mgr_visit_t *answer)
{
    answer->balancers = mgr_balancer_calls_snapshot(answer->r);
}

void mgr_visit_note(mgr_visit_t *answer, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    APR_ARRAY_PUSH(answer->notes, const char *) = apr_pvsprintf(answer->r->pool, format, values);
    va_end(values);
}

int mgr_visit_refuse(mgr_visit_t *answer, int status, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    APR_ARRAY_PUSH(answer->notes, const char *) = apr_pvsprintf(answer->r->pool, format, values);
    va_end(values);
    answer->status = status;
    return status;
}

int mgr_visit_need(mgr_visit_t *answer, mgr_right_t right)
{
    if (mgr_rights_have(answer->rights, right)) {
        return OK;
    }
    return mgr_visit_refuse(answer, HTTP_FORBIDDEN, "Refused: %s.",
                             mgr_rights_refusal(answer->r, right));
}

/* Which of several, when no virtual host is named? To look, the first will do; but nothing is
 * changed that may not be meant. */
static int choose_of_several(mgr_visit_t *answer)
{
    const lb_balancer_view_t *first = answer->balancer;
    const lb_balancer_view_t *here =
        mgr_balancer_calls_find_here(answer->r, answer->balancers, first->key);

    answer->balancer = here ? here : first;
    if (here || answer->r->method_number != M_POST) {
        return OK;
    }
    answer->balancer = NULL;
    return mgr_visit_refuse(answer, HTTP_CONFLICT, "Nothing was changed: several virtual hosts "
                             "have a balancer %s. Choose one with the parameter vhost.",
                             first->key);
}

int mgr_visit_choose_balancer(mgr_visit_t *answer, const apr_table_t *parameters)
{
    apr_pool_t *p = answer->r->pool;
    const char *key = apr_table_get(parameters, "b");
    const char *vhost = apr_table_get(parameters, "vhost");
    const char *nonce = apr_table_get(parameters, "nonce");

    if (!key) {
        return OK;
    }
    if (!(vhost && *vhost) && nonce && *nonce) {
        answer->balancer = mgr_balancer_calls_find_by_nonce(p, answer->balancers, key, nonce);
        if (answer->balancer) {
            return OK;
        }
    }
    answer->balancer = mgr_balancer_calls_find(p, answer->balancers, key, vhost);
    if (!answer->balancer) {
        return mgr_visit_refuse(answer, HTTP_NOT_FOUND, "There is no balancer %s.", key);
    }
    return !(vhost && *vhost)
                   && mgr_balancer_calls_is_key_shared(answer->balancers, answer->balancer)
               ? choose_of_several(answer)
               : OK;
}

int mgr_visit_choose_member(mgr_visit_t *answer, const apr_table_t *parameters)
{
    const char *url = apr_table_get(parameters, "w");

    if (!url || !answer->balancer) {
        return OK;
    }
    answer->member = mgr_balancer_calls_find_member(answer->r->pool, answer->balancer, url);
    if (!answer->member) {
        return mgr_visit_refuse(answer, HTTP_NOT_FOUND, "There is no member %s in %s.", url,
                                 answer->balancer->name);
    }
    return OK;
}
