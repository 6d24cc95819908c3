/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* holding.c - see holding.h. */
#include "holding.h"

#include "accounting.h"
#include "clock.h"
#include "cluster.h"
#include "gate.h"
#include "member_counters.h"
#include "waiting.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;

static apr_status_t give_back_forgotten(void *ticket)
{
    lb_waiting_leave(ticket);
    lb_holding_give_back(ticket);
    return APR_SUCCESS;
}

lb_ticket_t *lb_holding_begin(request_rec *r, proxy_balancer *balancer, const char *url)
{
    lb_ticket_t *ticket = apr_pcalloc(r->pool, sizeof(*ticket));

    ticket->r = ticket->trial.r = r;
    ticket->balancer = ticket->trial.balancer = balancer;
    ticket->url = apr_pstrdup(r->pool, url);
    ap_set_module_config(r->request_config, &balancer_byrequests_module, ticket);
    apr_pool_cleanup_register(r->pool, ticket, give_back_forgotten, apr_pool_cleanup_null);
    return ticket;
}

bool lb_holding_take(lb_ticket_t *ticket, proxy_worker *member)
{
    proxy_worker *before = ticket->member;

    ticket->member = member;
    ticket->is_held = true;
    if (!lb_cluster_admits(ticket->balancer, member)) {
        lb_holding_give_back(ticket);
        ticket->member = before;
        return false;
    }
    if (ticket->tries > 0) {    /* only failovers need the list */
        if (!ticket->tried) {
            ticket->tried = apr_array_make(ticket->r->pool, 4, sizeof(proxy_worker *));
            APR_ARRAY_PUSH(ticket->tried, proxy_worker *) = before;
        }
        APR_ARRAY_PUSH(ticket->tried, proxy_worker *) = member;
    }
    ticket->tries++;
    ticket->held_at = fcgi_now();
    lb_accounting_add_wait(ticket);
    atomic_fetch_add(&lb_cluster_row(ticket->balancer, member)->elected, 1);
    __atomic_fetch_add(&member->s->elected, 1, __ATOMIC_RELAXED);
    return true;
}

bool lb_holding_take_again(lb_ticket_t *ticket)
{
    ticket->is_held = lb_cluster_admits(ticket->balancer, ticket->member)
                      && lb_gate_take(ticket->balancer, ticket->member);
    /* once more: it may have been removed in between */
    if (ticket->is_held && !lb_cluster_admits(ticket->balancer, ticket->member)) {
        lb_holding_give_back(ticket);
    }
    ticket->held_at = fcgi_now();
    return ticket->is_held;
}

void lb_holding_forget_election(lb_ticket_t *ticket)
{
    if (lb_cluster_lists(ticket->balancer, ticket->member)) {
        const lb_cluster_t *cluster = lb_cluster_of(ticket->balancer);
        atomic_fetch_add(&lb_member_counters_of_slot(cluster, ticket->member->s->index)->forgotten,
                         1);
        __atomic_fetch_sub(&ticket->member->s->elected, 1, __ATOMIC_RELAXED);
    }
    ticket->member = NULL;
    ticket->tries--;
}

static void give_back(const lb_ticket_t *ticket, proxy_worker *member, bool was_used)
{
    lb_gate_give_back(ticket->balancer, lb_cluster_index(ticket->balancer, member),
                      &member->s->busy, was_used ? ticket : NULL);
}

void lb_holding_decline(lb_ticket_t *ticket, proxy_worker *member)
{
    give_back(ticket, member, false);
}

bool lb_holding_give_back(lb_ticket_t *ticket)
{
    if (!ticket->is_held) {
        return false;
    }
    ticket->is_held = false;
    give_back(ticket, ticket->member, true);
    return true;
}

void lb_holding_count_parked(lb_ticket_t *ticket, bool is_parked)
{
    lb_ledger_t *ledger = lb_cluster_of(ticket->balancer)->ledger;

    if (is_parked) {
        ticket->parked_at = ticket->is_held ? lb_cluster_index(ticket->balancer, ticket->member)
                                            : LB_NOBODY;
    }
    ticket->is_parked = is_parked;
    if (ticket->parked_at != LB_NOBODY) {
        lb_ledger_add_parked(ledger, ticket->parked_at, is_parked ? 1 : -1);
    }
}
