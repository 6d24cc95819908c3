/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* visit.c - gathers what a view shows.
 * Knows    the parameters that choose a balancer and a member.
 * Ignores  how it is shown (view_*.c) and what is changed (form_change.c).
 * Memory   r->pool.   Threads: one request, one thread. */
#include "visit.h"

#include <stdarg.h>

#include "apr_strings.h"
#include "balancer_calls.h"
#include "csrf.h"

mgr_visit_t *mgr_visit_make(request_rec *r, const char *base, unsigned int rights)
{
    mgr_visit_t *visit = apr_pcalloc(r->pool, sizeof(*visit));

    visit->r = r;
    visit->base = base;
    visit->status = HTTP_OK;
    visit->rights = rights;
    visit->token = mgr_rights_have(rights, MGR_OPERATE) ? mgr_csrf_token(r) : "";
    visit->balancers = apr_array_make(r->pool, 0, sizeof(lb_balancer_view_t));
    visit->notes = apr_array_make(r->pool, 2, sizeof(const char *));
    return visit;
}

bool mgr_visit_is_for_browser(const mgr_visit_t *visit)
{
    const char *accept = apr_table_get(visit->r->headers_in, "Accept");
    return accept && ap_strcasestr(accept, "text/html");
}

void mgr_visit_look(mgr_visit_t *visit)
{
    visit->balancers = mgr_balancer_calls_snapshot(visit->r);
}

static void add_note(mgr_visit_t *visit, const char *format, va_list values)
{
    APR_ARRAY_PUSH(visit->notes, const char *) = apr_pvsprintf(visit->r->pool, format, values);
}

void mgr_visit_note(mgr_visit_t *visit, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    add_note(visit, format, values);
    va_end(values);
}

int mgr_visit_refuse(mgr_visit_t *visit, int status, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    add_note(visit, format, values);
    va_end(values);
    visit->status = status;
    return status;
}

int mgr_visit_need(mgr_visit_t *visit, mgr_right_t right)
{
    if (mgr_rights_have(visit->rights, right)) {
        return OK;
    }
    return mgr_visit_refuse(visit, HTTP_FORBIDDEN, "Refused: %s.",
                            mgr_rights_refusal(visit->r, right));
}

/* Which of several, when no virtual host is named? To look, the first will do; but nothing is
 * changed that may not be meant. */
static int choose_of_several(mgr_visit_t *visit)
{
    const lb_balancer_view_t *first = visit->balancer;
    const lb_balancer_view_t *here =
        mgr_balancer_calls_find_here(visit->r, visit->balancers, first->key);

    visit->balancer = here ? here : first;
    if (here || visit->r->method_number != M_POST) {
        return OK;
    }
    visit->balancer = NULL;
    return mgr_visit_refuse(visit, HTTP_CONFLICT,
                            "Nothing was changed: several virtual hosts "
                            "have a balancer %s. Choose one with the parameter vhost.",
                            first->key);
}

int mgr_visit_choose_balancer(mgr_visit_t *visit, const apr_table_t *parameters)
{
    apr_pool_t *p = visit->r->pool;
    const char *key = apr_table_get(parameters, "b");
    const char *vhost = apr_table_get(parameters, "vhost");
    const char *nonce = apr_table_get(parameters, "nonce");

    if (!key) {
        return OK;
    }
    if (!(vhost && *vhost) && nonce && *nonce) {
        visit->balancer = mgr_balancer_calls_find_by_nonce(p, visit->balancers, key, nonce);
        if (visit->balancer) {
            return OK;
        }
    }
    visit->balancer = mgr_balancer_calls_find(p, visit->balancers, key, vhost);
    if (!visit->balancer) {
        return mgr_visit_refuse(visit, HTTP_NOT_FOUND, "There is no balancer %s.", key);
    }
    return !(vhost && *vhost)
                   && mgr_balancer_calls_is_key_shared(visit->balancers, visit->balancer)
               ? choose_of_several(visit)
               : OK;
}

int mgr_visit_choose_member(mgr_visit_t *visit, const apr_table_t *parameters)
{
    const char *url = apr_table_get(parameters, "w");

    if (!url || !visit->balancer) {
        return OK;
    }
    visit->member = mgr_balancer_calls_find_member(visit->r->pool, visit->balancer, url);
    if (!visit->member) {
        return mgr_visit_refuse(visit, HTTP_NOT_FOUND, "There is no member %s in %s.", url,
                                visit->balancer->name);
    }
    return OK;
}
