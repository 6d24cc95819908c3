/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* holding.c - see holding.h. */
#include "holding.h"

#include "accounting.h"
#include "clock.h"
#include "gate.h"
#include "member_counters.h"
#include "silence.h"
#include "waiting.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;

static apr_status_t give_back_forgotten(void *ticket)
{
    lb_waiting_leave(ticket);
    lb_holding_give_back(ticket);
    return APR_SUCCESS;
}

lb_ticket_t *lb_holding_begin(request_rec *r, proxy_balancer *proxy, const char *url)
{
    lb_ticket_t *ticket = apr_pcalloc(r->pool, sizeof(*ticket));

    ticket->r = ticket->trial.r = r;
    ticket->proxy = proxy;
    ticket->balancer = lb_balancer_of(proxy);
    ticket->url = apr_pstrdup(r->pool, url);
    ticket->began = fc_now();
    ap_set_module_config(r->request_config, &balancer_byrequests_module, ticket);
    apr_pool_cleanup_register(r->pool, ticket, give_back_forgotten, apr_pool_cleanup_null);
    return ticket;
}

bool lb_holding_take(lb_ticket_t *ticket, const lb_member_t *member)
{
    const lb_member_t before = ticket->member;

    ticket->member = *member;
    ticket->is_held = true;
    if (!lb_member_is_admitted(member)) {
        lb_holding_give_back(ticket);
        ticket->member = before;
        return false;
    }
    if (ticket->tries > 0) {    /* only failovers need the list */
        if (!ticket->tried) {
            ticket->tried = apr_array_make(ticket->r->pool, 4, sizeof(lb_member_t));
            APR_ARRAY_PUSH(ticket->tried, lb_member_t) = before;
        }
        APR_ARRAY_PUSH(ticket->tried, lb_member_t) = *member;
    }
    ticket->tries++;
    ticket->held_at = fc_now();
    lb_silence_note_asked(member->row, ticket->held_at);
    lb_accounting_add_wait(ticket);
    atomic_fetch_add(&member->row->elected, 1);
    __atomic_fetch_add(&member->worker->s->elected, 1, __ATOMIC_RELAXED);
    return true;
}

bool lb_holding_take_again(lb_ticket_t *ticket)
{
    ticket->is_held = lb_member_is_admitted(&ticket->member) && lb_gate_take(&ticket->member);
    /* once more: it may have been removed in between */
    if (ticket->is_held && !lb_member_is_admitted(&ticket->member)) {
        lb_holding_give_back(ticket);
    }
    ticket->held_at = fc_now();
    if (ticket->is_held) {
        lb_silence_note_asked(ticket->member.row, ticket->held_at);
    }
    return ticket->is_held;
}

void lb_holding_forget_election(lb_ticket_t *ticket)
{
    if (lb_member_is_listed(&ticket->member)) {
        atomic_fetch_add(&lb_member_counters_of(&ticket->member)->forgotten, 1);
        __atomic_fetch_sub(&ticket->member.worker->s->elected, 1, __ATOMIC_RELAXED);
    }
    ticket->member = (lb_member_t){ 0 };
    ticket->tries--;
}

bool lb_holding_give_back(lb_ticket_t *ticket)
{
    if (!ticket->is_held) {
        return false;
    }
    ticket->is_held = false;
    lb_gate_give_back(&ticket->member, ticket);
    return true;
}

bool lb_holding_outlive_client(lb_ticket_t *ticket)
{
    if (!ticket->is_held || lb_table_limit_of(ticket->member.row) == 0) {
        return false;
    }
    ticket->outlives_client = true;
    lb_gate_note_gone(ticket);
    return true;
}

void lb_holding_count_parked(lb_ticket_t *ticket, bool is_parked)
{
    if (is_parked) {
        ticket->parked_at = ticket->is_held ? lb_member_index(&ticket->member) : LB_NOBODY;
    }
    ticket->is_parked = is_parked;
    if (ticket->parked_at != LB_NOBODY) {
        lb_ledger_add_parked(ticket->balancer->ledger, ticket->parked_at, is_parked ? 1 : -1);
    }
}
