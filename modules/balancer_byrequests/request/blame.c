/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* blame.c - see blame.h. */
#include "blame.h"

#include "apr_strings.h"
#include "clock.h"
#include "health.h"
#include "silence.h"

/* failonstatus */
static bool is_bad_status(const lb_ticket_t *ticket)
{
    const apr_array_header_t *statuses = ticket->proxy->errstatuses;

    for (int i = 0; statuses && i < statuses->nelts; i++) {
        if (ticket->r->status == APR_ARRAY_IDX(statuses, i, int)) {
            return true;
        }
    }
    return false;
}

static void blame(lb_ticket_t *ticket, lb_outcome_t outcome)
{
    lb_member_row_t *row = ticket->member.row;
    const char *reason = outcome == LB_BAD_STATUS
                             ? apr_psprintf(ticket->r->pool, "bad_status %d", ticket->r->status)
                             : lb_outcome_word(outcome);

    atomic_fetch_add(&row->failures, 1);
    atomic_store(&row->last_error, (uint32_t)outcome);
    atomic_store(&row->last_error_at, fc_now());
    if (lb_health_is_trial(&ticket->trial)) {
        lb_health_fail_trial(&ticket->trial, reason);
    }
    else {
        const lb_failure_t failure = { .began = ticket->held_at,
                                       .reason = reason,
                                       .is_soft = lb_outcome_says(outcome) != LB_SAYS_DOWN };
        lb_health_strike(&ticket->member, &failure, ticket->r);
    }
}

static void judge(lb_ticket_t *ticket, lb_outcome_t outcome)
{
    switch (lb_outcome_says(outcome)) {
    case LB_SAYS_FINE:
        if (!lb_health_is_trial(&ticket->trial)) {
            lb_health_praise(&ticket->member);
        }
        lb_health_pass_trial(&ticket->trial);
        break;
    case LB_SAYS_WORKS:
        lb_health_pass_trial(&ticket->trial);
        break;
    case LB_SAYS_BUSY:
        lb_health_note_busy(&ticket->member);
        lb_health_let_go_of_trial(&ticket->trial);
        break;
    case LB_SAYS_LATE:
        /* A member that does not answer its trial has not come back. */
        if (lb_health_is_trial(&ticket->trial) || ticket->proxy->failontimeout) {
            blame(ticket, outcome);
        }
        break;
    case LB_SAYS_DOUBTFUL:
    case LB_SAYS_DOWN:
        blame(ticket, outcome);
        break;
    case LB_SAYS_NOTHING:
        lb_health_let_go_of_trial(&ticket->trial);
        break;
    }
}

/* Has the member said anything? */
static bool is_answer(lb_outcome_t outcome)
{
    const lb_says_t says = lb_outcome_says(outcome);
    return says == LB_SAYS_FINE || says == LB_SAYS_WORKS || outcome == LB_BAD_STATUS
           || outcome == LB_OVERLOADED;
}

lb_outcome_t lb_blame_refine(const lb_ticket_t *ticket, lb_outcome_t outcome)
{
    return outcome == LB_SERVED && is_bad_status(ticket) ? LB_BAD_STATUS : outcome;
}

lb_outcome_t lb_blame_outcome_of_other_scheme(const lb_ticket_t *ticket)
{
    const int status = ticket->r->status;

    if (PROXY_WORKER_IS_ERROR(ticket->member.worker) && status >= HTTP_INTERNAL_SERVER_ERROR) {
        return LB_CONNECT_FAILED;
    }
    if (apr_table_get(ticket->r->notes, "proxy_timedout")) {
        return LB_READ_TIMEOUT;
    }
    if (!is_bad_status(ticket)
        && (status == HTTP_BAD_GATEWAY || status == HTTP_GATEWAY_TIME_OUT)) {
        return LB_STALE;    /* the member's own answer or mod_proxy's: nobody can know */
    }
    return lb_blame_refine(ticket, LB_SERVED);
}

void lb_blame_of_try(lb_ticket_t *ticket, lb_outcome_t outcome)
{
    ticket->is_served = outcome == LB_SERVED;
    if (is_answer(outcome)) {
        lb_silence_note_answered(ticket->member.row, fc_now());
    }
    judge(ticket, outcome);
}

void lb_blame_of_sign_of_life(const lb_ticket_t *ticket)
{
    lb_silence_note_answered(ticket->member.row, fc_now());
}

void lb_blame_of_head(lb_ticket_t *ticket)
{
    lb_silence_note_answered(ticket->member.row, fc_now());
    if (!is_bad_status(ticket)) {
        lb_health_pass_trial(&ticket->trial);
    }
}

void lb_blame_of_other_scheme(lb_ticket_t *ticket, lb_outcome_t outcome)
{
    lb_blame_of_try(ticket, outcome);
    ticket->is_served = false;
}

void lb_blame_of_answer(lb_ticket_t *ticket)
{
    if (ticket->is_served && is_bad_status(ticket)) {    /* an error page of ours: overridden */
        blame(ticket, LB_BAD_STATUS);
    }
    ticket->is_served = false;
}
