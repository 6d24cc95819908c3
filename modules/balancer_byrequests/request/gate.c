/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* gate.c - see gate.h. */
#include "gate.h"

#include "clock.h"
#include "cluster.h"
#include "contenders.h"
#include "health.h"
#include "session.h"

bool lb_gate_take(const proxy_balancer *balancer, proxy_worker *member)
{
    return lb_admission_take(lb_cluster_of(balancer)->ledger, lb_cluster_balancer_index(balancer),
                             lb_cluster_index(balancer, member), &member->s->busy);
}

void lb_gate_serve(const proxy_balancer *balancer)
{
    lb_contenders_t field;

    lb_contenders_gather(&field, balancer, NULL);
    lb_admission_serve(lb_cluster_of(balancer)->ledger->table, &field.arena, fcgi_now());
    lb_contenders_end(&field);
}

void lb_gate_give_back(const proxy_balancer *balancer, uint32_t member, size_t *busy,
                       const lb_ticket_t *ticket)
{
    const apr_time_t now = fcgi_now();
    lb_use_t use = { 0 };

    if (ticket) {
        use = (lb_use_t){ .took = now - ticket->held_at,
                          .waited = ticket->queued,
                          .is_abandoned = ticket->is_abandoned };
    }
    if (lb_admission_give_back(lb_cluster_of(balancer)->ledger, lb_cluster_balancer_index(balancer),
                               member, busy, ticket ? &use : NULL, now)) {
        lb_gate_serve(balancer);
    }
}

lb_outlook_t lb_gate_outlook(const proxy_balancer *balancer, lb_queue_rule_t *rule)
{
    lb_contenders_t field;

    lb_contenders_gather(&field, balancer, NULL);
    const lb_outlook_t outlook = lb_admission_outlook(lb_cluster_of(balancer)->ledger->table,
                                                      &field.arena, fcgi_now());
    if (rule) {
        *rule = field.arena.queue;
    }
    lb_contenders_end(&field);
    return outlook;
}

uint32_t lb_gate_queue(const lb_ticket_t *ticket, lb_waiter_t *request, lb_outcome_t *refusal)
{
    lb_cluster_t *cluster = lb_cluster_of(ticket->balancer);
    lb_contenders_t field;

    lb_contenders_gather(&field, ticket->balancer, ticket);
    request->balancer = field.arena.balancer;
    const uint32_t slot = lb_admission_queue(cluster->ledger, request, &field.arena, refusal);
    lb_contenders_end(&field);
    return slot;
}

bool lb_gate_admit(lb_ticket_t *ticket, proxy_worker *member)
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
