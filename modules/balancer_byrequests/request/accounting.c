/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* accounting.c - see accounting.h. */
#include "accounting.h"

#include "clock.h"
#include "member_counters.h"

void lb_accounting_add_try(const lb_ticket_t *ticket, lb_outcome_t outcome,
                           const lb_measures_t *measures)
{
    lb_member_room_t *room = lb_member_counters_of(&ticket->member);

    lb_member_counters_fold_try(&ticket->member);
    lb_counters_add_try(room, outcome, measures);
    if (measures && measures->trace_id && ticket->waited > 0) {
        lb_exemplars_note(&room->exemplars, LB_TIME_QUEUE, ticket->waited, measures);
    }
}

void lb_accounting_add_other_scheme(const lb_ticket_t *ticket, lb_outcome_t outcome,
                                    int http_status)
{
    const lb_measures_t measures = { .http_status = http_status,
                                     .connect = -1,
                                     .first_byte = -1,
                                     .whole = fc_now() - ticket->held_at };

    lb_counters_add_try(lb_member_counters_of(&ticket->member), outcome, &measures);
}

void lb_accounting_add_wait(lb_ticket_t *ticket)
{
    ticket->waited = ticket->queued - ticket->queued_before;
    if (ticket->waited > 0) {
        lb_counters_add_wait(lb_member_counters_of(&ticket->member), ticket->waited);
        ticket->queued_before = ticket->queued;
    }
}

void lb_accounting_add_refusal(const lb_ticket_t *ticket, lb_outcome_t outcome)
{
    lb_counters_add_refusal(lb_member_counters_of_balancer(ticket->balancer), outcome);
}
