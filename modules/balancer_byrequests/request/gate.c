/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* gate.c - see gate.h. */
#include "gate.h"

#include "clock.h"
#include "contenders.h"
#include "health.h"
#include "serving.h"
#include "session.h"

bool lb_gate_take(const lb_member_t *member)
{
    const lb_balancer_t *balancer = member->balancer;
    return lb_admission_take(balancer->ledger, lb_balancer_index(balancer),
                             lb_member_index(member), &member->worker->s->busy);
}

void lb_gate_serve(const lb_balancer_t *balancer)
{
    lb_contenders_t field;

    lb_contenders_gather(&field, balancer, NULL);
    lb_serving_let_in(balancer->ledger->table, &field.arena, fc_now());
    lb_contenders_end(&field);
}

/* busy     mod_proxy's own count of it; NULL: none
 * use      NULL: it was not used */
static void give_back(const lb_balancer_t *balancer, uint32_t index, size_t *busy,
                      const lb_use_t *use, apr_time_t now)
{
    if (lb_admission_give_back(balancer->ledger, lb_balancer_index(balancer), index, busy, use,
                               now)) {
        lb_gate_serve(balancer);
    }
}

void lb_gate_give_back(const lb_member_t *member, const lb_ticket_t *ticket)
{
    const apr_time_t now = fc_now();
    lb_use_t use = { 0 };

    if (ticket) {
        use = (lb_use_t){ .took = now - ticket->held_at,
                          .waited = ticket->queued,
                          .is_abandoned = ticket->is_abandoned };
    }
    give_back(member->balancer, lb_member_index(member), &member->worker->s->busy,
              ticket ? &use : NULL, now);
}

void lb_gate_give_back_unknown(const lb_balancer_t *balancer, uint32_t index)
{
    give_back(balancer, index, NULL, NULL, 0);
}

void lb_gate_note_gone(const lb_ticket_t *ticket)
{
    lb_admission_note_gone(ticket->balancer->ledger->table, lb_balancer_index(ticket->balancer),
                           lb_member_index(&ticket->member), ticket->queued,
                           fc_now() - ticket->held_at);
}

lb_outlook_t lb_gate_outlook(const lb_balancer_t *balancer, lb_queue_rule_t *rule)
{
    lb_contenders_t field;

    lb_contenders_gather(&field, balancer, NULL);
    const lb_outlook_t outlook =
        lb_outlook_of(balancer->ledger->table, &field.arena, fc_now());
    if (rule) {
        *rule = field.arena.queue;
    }
    lb_contenders_end(&field);
    return outlook;
}

uint32_t lb_gate_queue(const lb_ticket_t *ticket, lb_waiter_t *request, lb_outcome_t *refusal)
{
    lb_contenders_t field;

    lb_contenders_gather(&field, ticket->balancer, ticket);
    request->balancer = field.arena.balancer;
    const uint32_t slot =
        lb_admission_queue(ticket->balancer->ledger, request, &field.arena, refusal);
    lb_contenders_end(&field);
    return slot;
}

bool lb_gate_admit(lb_ticket_t *ticket, const lb_member_t *member)
{
    lb_contenders_t field;

    if (lb_health_admit(&ticket->trial, member)) {
        return true;
    }
    lb_contenders_gather(&field, ticket->balancer, ticket);
    const bool nobody_is_left = field.order.readiness <= LB_READY_AT_LAST;
    lb_contenders_end(&field);
    return (nobody_is_left || lb_session_is_bound(ticket))
           && lb_health_admit_at_last(&ticket->trial, member);
}
