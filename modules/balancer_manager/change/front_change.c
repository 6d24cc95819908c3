/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* front_change.c - see front_change.h.
 * Knows    the parameters forget, confirm and nonce.
 * Ignores  what becomes of a front's part of limits (the balancer knows).
 * Memory   r->pool.   Threads: one request, one thread. */
#include "front_change.h"

#include <string.h>

#include "apr_strings.h"
#include "audit.h"
#include "balancer_calls.h"
#include "change_run.h"
#include "csrf.h"

const char *mgr_front_change_forget(mgr_visit_t *visit, const char *front)
{
    request_rec *r = visit->r;
    const char *why = mgr_balancer_calls_forget(r, front);

    if (!why) {
        apr_array_header_t *changes = apr_array_make(r->pool, 1, sizeof(mgr_audit_entry_t));
        APR_ARRAY_PUSH(changes, mgr_audit_entry_t) = (mgr_audit_entry_t){
            .what = "front", .before = front, .after = "forgotten"
        };
        visit->is_done = true;
        visit->done = (mgr_done_t){ .last = mgr_audit_changed(r, changes), .count = 1 };
    }
    return why;
}

static const char *refusal(mgr_visit_t *visit, const apr_table_t *parameters)
{
    return mgr_rights_have(visit->rights, MGR_EDIT)
               ? mgr_csrf_refusal_of_form(visit->r, apr_table_get(parameters, "nonce"),
                                          visit->token)
               : mgr_rights_refusal(visit->r, MGR_EDIT);
}

static void ask_for_confirmation(mgr_visit_t *visit, const char *front,
                                 const apr_table_t *parameters)
{
    apr_pool_t *p = visit->r->pool;
    mgr_pending_t *pending = apr_pcalloc(p, sizeof(*pending));

    pending->deed = apr_psprintf(p, "Forget %s", front);
    pending->effect = "Its part of shared limits goes to the other fronts, and no front shows it "
                      "any more. If it comes back, it joins like a new one.";
    pending->outcome = "If it is still running and only cut off, it goes on with that part: stop "
                       "it first.";
    pending->lines = apr_array_make(p, 1, sizeof(const char *));
    APR_ARRAY_PUSH(pending->lines, const char *) = front;
    pending->form = parameters;
    visit->pending = pending;
}

int mgr_front_change_run(mgr_visit_t *visit, const apr_table_t *parameters)
{
    const char *front = apr_table_get(parameters, "forget");
    const char *confirm = apr_table_get(parameters, "confirm");
    const char *why = refusal(visit, parameters);

    if (why) {
        return mgr_visit_refuse(visit, HTTP_FORBIDDEN, "%s",
                                mgr_change_run_refused(visit, "form", why));
    }
    if (!confirm || strcmp(confirm, "1") != 0) {
        ask_for_confirmation(visit, front, parameters);
        return OK;
    }
    why = mgr_front_change_forget(visit, front);
    if (why) {
        return mgr_visit_refuse(visit, HTTP_CONFLICT, "%s",
                                mgr_change_run_refused(visit, "form", why));
    }
    mgr_change_run_tell(visit, visit->done);
    return OK;
}
