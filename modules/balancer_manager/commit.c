/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* commit.c - see commit.h.
 * Knows    the balancer's results, and the audit.
 * Ignores  whether a form or JSON asked for it, and how the result is shown.
 * Memory   r->pool.   Threads: one request, one thread. */
#include "commit.h"

#include <string.h>

#include <apr_strings.h>

#include "audit.h"
#include "balancers.h"

/* A member may have another URL now, or be gone. */
static void look_again(mgr_answer_t *answer, const apr_array_header_t *changes)
{
    request_rec *r = answer->r;
    const lb_balancer_view_t *balancer = answer->balancer;
    const char *url = answer->member ? answer->member->url : NULL;

    for (int i = 0; url && i < changes->nelts; i++) {
        const lb_change_t *change = &APR_ARRAY_IDX(changes, i, lb_change_t);
        if (change->member && !strcmp(change->setting, "address")) {
            url = change->member;
        }
    }
    mgr_answer_look(answer);
    answer->balancer = !balancer ? NULL
                                 : mgr_balancers_find(r->pool, answer->balancers, balancer->key,
                                                      balancer->vhost);
    answer->member = answer->balancer && url
                         ? mgr_balancers_find_member(r->pool, answer->balancer, url) : NULL;
}

const lb_result_t *mgr_commit_run(mgr_answer_t *answer, const apr_array_header_t *actions)
{
    const lb_result_t *result = mgr_balancers_apply(answer->r, actions);

    for (int i = 0; i < result->changes->nelts; i++) {
        const lb_change_t *change = &APR_ARRAY_IDX(result->changes, i, lb_change_t);
        mgr_audit_changed(answer->r, &(mgr_audit_entry_t){.vhost = change->vhost,
                                                          .balancer = change->balancer,
                                                          .member = change->member,
                                                          .what = change->setting,
                                                          .before = change->before,
                                                          .after = change->after});
    }
    if (result->errors->nelts == 0) {
        look_again(answer, result->changes);
    }
    return result;
}

const char *mgr_commit_sentence(apr_pool_t *p, const lb_change_t *change)
{
    if (!strcmp(change->setting, "member")) {
        return apr_psprintf(p, "%s: member %s %s", change->balancer, change->member,
                            change->after);
    }
    return apr_psprintf(p, "%s: %s %s -> %s", change->member ? change->member : change->balancer,
                        change->setting, *change->before ? change->before : "-",
                        *change->after ? change->after : "-");
}

int mgr_commit_status(const apr_array_header_t *errors)
{
    static const int statuses[] = {
        [LB_WRONG_VALUE] = HTTP_BAD_REQUEST,
        [LB_NOT_THERE] = HTTP_NOT_FOUND,
        [LB_CHANGED_MEANWHILE] = HTTP_PRECONDITION_FAILED,
        [LB_NOT_NOW] = HTTP_CONFLICT,
    };
    lb_refusal_t first = LB_NOT_NOW;

    for (int i = 0; i < errors->nelts; i++) {
        const lb_refusal_t refusal = APR_ARRAY_IDX(errors, i, lb_action_error_t).refusal;
        first = refusal < first ? refusal : first;
    }
    return statuses[first];
}

const char *mgr_commit_refused(mgr_answer_t *answer, const char *what, const char *why)
{
    const lb_balancer_view_t *balancer = answer->balancer;

    mgr_audit_refused(answer->r, &(mgr_audit_entry_t){
                                     .vhost = balancer ? balancer->vhost : NULL,
                                     .balancer = balancer ? balancer->name : NULL,
                                     .member = answer->member ? answer->member->url : NULL,
                                     .what = what,
                                     .after = why});
    return apr_psprintf(answer->r->pool, "Nothing was changed: %s.", why);
}
