/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* accounting.c - see accounting.h. */
#include "accounting.h"

#include "clock.h"
#include "member_counters.h"

void lb_accounting_add_try(const lb_ticket_t *ticket, lb_outcome_t outcome,
                           const lb_measures_t *measures)
{
    lb_counters_add_try(lb_member_counters_of(&ticket->member), outcome, measures);
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
    if (ticket->queued > ticket->queued_before) {
        lb_counters_add_wait(lb_member_counters_of(&ticket->member),
                             ticket->queued - ticket->queued_before);
        ticket->queued_before = ticket->queued;
    }
}

void lb_accounting_add_refusal(const lb_ticket_t *ticket, lb_outcome_t outcome)
{
    lb_counters_add_refusal(lb_member_counters_of_balancer(ticket->balancer), outcome);
}
