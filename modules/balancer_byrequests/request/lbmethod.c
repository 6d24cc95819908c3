/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* lbmethod.c - see lbmethod.h. */
#include "lbmethod.h"

#include "ap_provider.h"
#include "cluster.h"
#include "contenders.h"
#include "election.h"
#include "gate.h"
#include "other_method.h"

static proxy_worker *find_best(proxy_balancer *balancer, request_rec *r);
static apr_status_t nothing_to_do(proxy_balancer *balancer, server_rec *s);

static const proxy_balancer_method byrequests = {
    "byrequests", find_best, NULL, nothing_to_do, nothing_to_do, NULL
};

static bool is_ours(const proxy_balancer *balancer)
{
    return balancer->lbmethod == &byrequests;
}

static proxy_worker *elect(proxy_balancer *balancer, const lb_ticket_t *ticket, bool *are_full)
{
    proxy_worker *member = NULL;
    lb_contenders_t field;

    lb_contenders_gather(&field, balancer, ticket);
    const int winner = lb_admission_elect(lb_cluster_of(balancer)->ledger, &field.arena);
    *are_full = winner < 0 && field.order.turns > 0;
    if (winner >= 0) {
        member = field.members[winner];
        member->s->lbstatus = lb_lbmethod_lbstatus(balancer, member);
    }
    lb_contenders_end(&field);
    return member;
}

/* The provider's own entry, for callers other than our balancer: an election without a right. */
static proxy_worker *find_best(proxy_balancer *balancer, request_rec *r)
{
    proxy_worker *member = NULL;
    lb_contenders_t field;

    lb_contenders_gather(&field, balancer, NULL);
    const size_t n = lb_contenders_first_turn(&field, balancer);
    const int winner = lb_election_elect(&lb_cluster_of(balancer)->row->clock,
                                         field.arena.candidates, n);
    if (winner >= 0) {
        member = field.members[field.arena.contender_of[winner]];
    }
    lb_contenders_end(&field);
    return member;
}

static apr_status_t nothing_to_do(proxy_balancer *balancer, server_rec *s)
{
    /* Passes only grow, and who was away starts at the clock: nothing to reset, nothing ages. */
    return APR_SUCCESS;
}

static void charge(proxy_balancer *balancer, proxy_worker *member)
{
    const lb_candidate_t chosen = lb_contenders_candidate(balancer, member);
    lb_contenders_t field;

    lb_contenders_gather(&field, balancer, NULL);
    const size_t n = lb_contenders_first_turn(&field, balancer);
    lb_election_charge(&lb_cluster_of(balancer)->row->clock, field.arena.candidates, n, &chosen);
    member->s->lbstatus = lb_lbmethod_lbstatus(balancer, member);
    lb_contenders_end(&field);
}

int lb_lbmethod_lbstatus(const proxy_balancer *balancer, const proxy_worker *member)
{
    if (!is_ours(balancer)) {
        return member->s->lbstatus;
    }
    const lb_candidate_t candidate = lb_contenders_candidate(balancer, member);
    return lb_election_credit(&lb_cluster_of(balancer)->row->clock, &candidate);
}

/* Another method chooses, among those of the first turn in which any has room; it may want none.
 * free_ones  room for all contenders */
static proxy_worker *elect_from_free_ones(const lb_contenders_t *field, const lb_ticket_t *ticket,
                                          proxy_worker **free_ones, bool *are_full)
{
    const proxy_balancer *balancer = ticket->balancer;
    lb_table_t *table = lb_cluster_of(balancer)->ledger->table;
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
    proxy_worker *member = n > 0 ? lb_other_method_elect(balancer, free_ones, n, ticket->r) : NULL;
    *are_full = n == 0 && field->order.turns > 0;
    if (member && !lb_gate_take(balancer, member)) {
        *are_full = true;
        return NULL;
    }
    return member;
}

static proxy_worker *elect_by_other_method(const lb_ticket_t *ticket, bool *are_full)
{
    const proxy_balancer *balancer = ticket->balancer;
    lb_contenders_t field;

    lb_contenders_gather(&field, balancer, ticket);
    proxy_worker **free_ones =
        apr_palloc(ticket->r->pool, field.arena.count * sizeof(*free_ones));
    /* Until the right is taken, so that the next one who chooses sees it in flight. */
    PROXY_GLOBAL_LOCK(balancer);
    proxy_worker *member = elect_from_free_ones(&field, ticket, free_ones, are_full);
    PROXY_GLOBAL_UNLOCK(balancer);
    lb_contenders_end(&field);
    return member;
}

proxy_worker *lb_lbmethod_elect(const lb_ticket_t *ticket, bool *are_full)
{
    return is_ours(ticket->balancer) ? elect(ticket->balancer, ticket, are_full)
                                     : elect_by_other_method(ticket, are_full);
}

/* For a method without an opinion on sessions: all usable members earn their weight, and the
 * chosen one pays for all. */
static void account_by_lbstatus(proxy_balancer *balancer, proxy_worker *chosen)
{
    int total = 0;
    for (int i = 0; i < balancer->workers->nelts; i++) {
        proxy_worker *member = lb_cluster_member(balancer, i);
        if (member && PROXY_WORKER_IS_USABLE(member)) {
            member->s->lbstatus += member->s->lbfactor;
            total += member->s->lbfactor;
        }
    }
    chosen->s->lbstatus -= total;
}

void lb_lbmethod_account(const lb_ticket_t *ticket, proxy_worker *member)
{
    proxy_balancer *balancer = ticket->balancer;

    if (is_ours(balancer)) {
        charge(balancer, member);
        return;
    }
    PROXY_GLOBAL_LOCK(balancer);
    if (balancer->lbmethod->updatelbstatus) {
        balancer->lbmethod->updatelbstatus(balancer, member, ticket->r->server);
    }
    else {
        account_by_lbstatus(balancer, member);
    }
    PROXY_GLOBAL_UNLOCK(balancer);
}

void lb_lbmethod_mark_serving(const proxy_balancer *balancer, bool *serves)
{
    lb_contenders_t field;

    lb_contenders_gather(&field, balancer, NULL);
    for (size_t i = 0; field.order.readiness > LB_READY_AT_LAST && i < field.arena.count; i++) {
        if (field.turns[i] == 0 && !field.arena.contenders[i].is_trial) {
            serves[field.members[i]->s->index] = true;
        }
    }
    lb_contenders_end(&field);
}

void lb_lbmethod_register(apr_pool_t *pconf)
{
    ap_register_provider(pconf, PROXY_LBMETHOD, "byrequests", "0", &byrequests);
}
