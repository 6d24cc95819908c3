/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* lbmethod.c - see lbmethod.h. */
#include "lbmethod.h"

#include "ap_provider.h"
#include "contenders.h"
#include "election.h"
#include "gate.h"
#include "other_method.h"
#include "slate.h"

static proxy_worker *find_best(proxy_balancer *proxy, request_rec *r);
static apr_status_t nothing_to_do(proxy_balancer *proxy, server_rec *s);

static const proxy_balancer_method byrequests = {
    "byrequests", find_best, NULL, nothing_to_do, nothing_to_do, NULL
};

static bool is_ours(const proxy_balancer *proxy)
{
    return proxy->lbmethod == &byrequests;
}

static int credit_of(const lb_member_t *member)
{
    const lb_candidate_t candidate = lb_contenders_candidate(member);
    return lb_election_credit(&member->balancer->row->clock, &candidate);
}

int lb_lbmethod_lbstatus(const lb_member_t *member)
{
    return is_ours(member->balancer->proxy) ? credit_of(member) : member->worker->s->lbstatus;
}

static lb_member_t elect_among_all(const lb_ticket_t *ticket, bool *are_full)
{
    const lb_balancer_t *balancer = ticket->balancer;
    lb_member_t member = { 0 };
    lb_contenders_t field;

    lb_contenders_gather(&field, balancer, ticket);
    const int winner = lb_admission_elect(balancer->ledger, &field.arena);
    *are_full = winner < 0 && lb_contenders_may_wait(&field);
    if (winner >= 0) {
        member = field.members[winner];
    }
    lb_contenders_end(&field);
    return member;
}

static lb_member_t elect(const lb_ticket_t *ticket, bool *are_full)
{
    lb_member_t member = { 0 };
    bool may_wait = false;

    if (ticket->tries == 0 && lb_slate_elect(ticket->balancer, &member, &may_wait)) {
        *are_full = !member.worker && may_wait;
    }
    else {
        member = elect_among_all(ticket, are_full);
    }
    if (member.worker) {
        member.worker->s->lbstatus = credit_of(&member);
    }
    return member;
}

/* The provider's own entry, for callers other than our balancer: an election without a right. */
static proxy_worker *find_best(proxy_balancer *proxy, request_rec *r)
{
    const lb_balancer_t *balancer = lb_balancer_of(proxy);
    proxy_worker *best = NULL;
    lb_contenders_t field;

    lb_contenders_gather(&field, balancer, NULL);
    const size_t n = lb_contenders_first_turn(&field);
    const int winner = lb_election_elect(&balancer->row->clock, field.arena.candidates, n);
    if (winner >= 0) {
        best = field.members[field.arena.contender_of[winner]].worker;
    }
    lb_contenders_end(&field);
    return best;
}

static apr_status_t nothing_to_do(proxy_balancer *proxy, server_rec *s)
{
    /* Passes only grow, and who was away starts at the clock: nothing to reset, nothing ages. */
    return APR_SUCCESS;
}

static void charge(const lb_member_t *member)
{
    lb_slate_charge(member);
    member->worker->s->lbstatus = credit_of(member);
}

/* Another method chooses, among those of the first turn in which any has room; it may want none.
 * free_ones  room for all contenders */
static lb_member_t elect_from_free_ones(const lb_contenders_t *field, const lb_ticket_t *ticket,
                                        lb_member_t *free_ones, bool *are_full)
{
    lb_table_t *table = ticket->balancer->ledger->table;
    size_t n = 0;

    for (unsigned turn = 0; n == 0 && turn < field->order.open; turn++) {
        for (size_t i = 0; i < field->arena.count; i++) {
            if (field->turns[i] == turn
                && lb_admission_is_free(table, field->arena.balancer,
                                        field->arena.contenders[i].member)) {
                free_ones[n++] = field->members[i];
            }
        }
    }
    lb_member_t member = { 0 };
    if (n > 0) {
        member = lb_other_method_elect(ticket->proxy, free_ones, n, ticket->r);
    }
    *are_full = n == 0 && lb_contenders_may_wait(field);
    if (member.worker && !lb_gate_take(&member)) {
        *are_full = true;
        return (lb_member_t){ 0 };
    }
    return member;
}

static lb_member_t elect_by_other_method(const lb_ticket_t *ticket, bool *are_full)
{
    const proxy_balancer *proxy = ticket->proxy;
    lb_contenders_t field;

    lb_contenders_gather(&field, ticket->balancer, ticket);
    lb_member_t *free_ones =
        apr_palloc(ticket->r->pool, field.arena.count * sizeof(*free_ones));
    /* Until the right is taken, so that the next one who chooses sees it in flight. */
    PROXY_GLOBAL_LOCK(proxy);
    const lb_member_t member = elect_from_free_ones(&field, ticket, free_ones, are_full);
    PROXY_GLOBAL_UNLOCK(proxy);
    lb_contenders_end(&field);
    return member;
}

lb_member_t lb_lbmethod_elect(const lb_ticket_t *ticket, bool *are_full)
{
    return is_ours(ticket->proxy) ? elect(ticket, are_full)
                                  : elect_by_other_method(ticket, are_full);
}

/* For a method without an opinion on sessions: all usable members earn their weight, and the
 * chosen one pays for all. */
static void account_by_lbstatus(const lb_member_t *chosen)
{
    int total = 0;
    lb_member_t member;

    for (int i = 0; lb_member_next(chosen->balancer, &i, &member);) {
        if (PROXY_WORKER_IS_USABLE(member.worker)) {
            member.worker->s->lbstatus += member.worker->s->lbfactor;
            total += member.worker->s->lbfactor;
        }
    }
    chosen->worker->s->lbstatus -= total;
}

void lb_lbmethod_account(const lb_ticket_t *ticket, const lb_member_t *member)
{
    proxy_balancer *proxy = ticket->proxy;

    if (is_ours(proxy)) {
        charge(member);
        return;
    }
    PROXY_GLOBAL_LOCK(proxy);
    if (proxy->lbmethod->updatelbstatus) {
        proxy->lbmethod->updatelbstatus(proxy, member->worker, ticket->r->server);
    }
    else {
        account_by_lbstatus(member);
    }
    PROXY_GLOBAL_UNLOCK(proxy);
}

void lb_lbmethod_mark_serving(const lb_balancer_t *balancer, bool *serves)
{
    lb_contenders_t field;

    lb_contenders_gather(&field, balancer, NULL);
    for (size_t i = 0; field.order.readiness > LB_READY_AT_LAST && i < field.arena.count; i++) {
        if (field.turns[i] == 0 && !field.arena.contenders[i].is_trial) {
            serves[field.members[i].worker->s->index] = true;
        }
    }
    lb_contenders_end(&field);
}

void lb_lbmethod_register(apr_pool_t *pconf)
{
    ap_register_provider(pconf, PROXY_LBMETHOD, "byrequests", "0", &byrequests);
}
