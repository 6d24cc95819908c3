/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* change_run.c - see change_run.h.
 * Knows    the balancer's results, and the audit.
 * Ignores  whether a form or JSON asked for it, and how the result is shown.
 * Memory   r->pool.   Threads: one request, one thread. */
#include "change_run.h"

#include <string.h>

#include "apr_strings.h"
#include "audit.h"
#include "balancer_calls.h"

/* A member may have another URL now, or be gone. */
static void look_again(mgr_visit_t *visit, const apr_array_header_t *changed)
{
    request_rec *r = visit->r;
    const lb_balancer_view_t *balancer = visit->balancer;
    const char *url = visit->member ? visit->member->url : NULL;

    for (int i = 0; url && i < changed->nelts; i++) {
        const lb_changed_t *one = &APR_ARRAY_IDX(changed, i, lb_changed_t);
        url = one->kind == LB_MEMBER_MOVED ? one->member : url;
    }
    mgr_visit_look(visit);
    visit->balancer = !balancer ? NULL
                                : mgr_balancer_calls_find(r->pool, visit->balancers,
                                                          balancer->key, balancer->vhost);
    visit->member = visit->balancer && url
                        ? mgr_balancer_calls_find_member(r->pool, visit->balancer, url)
                        : NULL;
}

static const char *scope_of(const lb_changed_t *changed)
{
    const char *key = changed->balancer + sizeof(BALANCER_PREFIX) - 1;

    if (!mgr_balancer_calls_travels(key, changed->vhost)) {
        return "";
    }
    return changed->stays_here || changed->kind == LB_COUNTERS_RESET ? "front" : "fleet";
}

static void note_in_audit(mgr_visit_t *visit, const apr_array_header_t *changed)
{
    apr_array_header_t *entries =
        apr_array_make(visit->r->pool, changed->nelts, sizeof(mgr_audit_entry_t));

    for (int i = 0; i < changed->nelts; i++) {
        const lb_changed_t *one = &APR_ARRAY_IDX(changed, i, lb_changed_t);
        APR_ARRAY_PUSH(entries, mgr_audit_entry_t) =
            (mgr_audit_entry_t){ .vhost = one->vhost,
                                 .balancer = one->balancer,
                                 .member = one->member,
                                 .what = one->setting,
                                 .before = one->before,
                                 .after = one->after,
                                 .scope = scope_of(one) };
    }
    visit->is_done = true;
    visit->done.count = changed->nelts;
    if (changed->nelts > 0) {
        visit->done.last = mgr_audit_changed(visit->r, entries);
    }
}

const lb_change_result_t *mgr_change_run(mgr_visit_t *visit, const apr_array_header_t *changes)
{
    const lb_change_result_t *result = mgr_balancer_calls_change(visit->r, changes);

    if (result->errors->nelts == 0) {
        note_in_audit(visit, result->changed);
        look_again(visit, result->changed);
    }
    return result;
}

/* ---- Telling it ------------------------------------------------------------------------------ */

enum { MOST_SENTENCES = 20 };

static const char *sentence_of(apr_pool_t *p, const mgr_audit_entry_t *e)
{
    if (strcmp(e->what, "member") == 0) {
        return apr_psprintf(p, "%s: member %s %s", e->balancer, e->member, e->after);
    }
    if (!*e->balancer) {
        return apr_psprintf(p, "%s %s: %s", e->what, e->before, e->after);
    }
    return apr_psprintf(p, "%s: %s %s -> %s", *e->member ? e->member : e->balancer, e->what,
                        *e->before ? e->before : "-", *e->after ? e->after : "-");
}

void mgr_change_run_tell(mgr_visit_t *visit, mgr_done_t done)
{
    apr_pool_t *p = visit->r->pool;
    const apr_array_header_t *changes = mgr_audit_changes(p, done.last, done.count);
    int told = 0;

    visit->done = done;
    if (done.count == 0) {
        mgr_visit_note(visit, "Nothing to change: all settings have these values already.");
    }
    while (told < changes->nelts && told < MOST_SENTENCES) {
        mgr_visit_note(visit, "%s",
                       sentence_of(p, &APR_ARRAY_IDX(changes, told++, mgr_audit_entry_t)));
    }
    if (told > 0 && done.count > told) {
        mgr_visit_note(visit, "... and %d more changes.", done.count - told);
    }
}

/* ---- Refusing -------------------------------------------------------------------------------- */

int mgr_change_run_status(const apr_array_header_t *errors)
{
    static const int statuses[] = {
        [LB_WRONG_VALUE] = HTTP_BAD_REQUEST,
        [LB_NOT_THERE] = HTTP_NOT_FOUND,
        [LB_CHANGED_MEANWHILE] = HTTP_PRECONDITION_FAILED,
        [LB_NOT_NOW] = HTTP_CONFLICT,
    };
    lb_refusal_t first = LB_NOT_NOW;

    for (int i = 0; i < errors->nelts; i++) {
        const lb_refusal_t refusal = APR_ARRAY_IDX(errors, i, lb_change_error_t).refusal;
        first = refusal < first ? refusal : first;
    }
    return statuses[first];
}

const char *mgr_change_run_refused(mgr_visit_t *visit, const char *what, const char *why)
{
    const lb_balancer_view_t *balancer = visit->balancer;

    mgr_audit_refused(visit->r, &(mgr_audit_entry_t){
                                    .vhost = balancer ? balancer->vhost : NULL,
                                    .balancer = balancer ? balancer->name : NULL,
                                    .member = visit->member ? visit->member->url : NULL,
                                    .what = what,
                                    .after = why });
    return apr_psprintf(visit->r->pool, "Nothing was changed: %s.", why);
}
