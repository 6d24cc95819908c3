/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* provider.c - see provider.h. */
#include "provider.h"

#include "ap_provider.h"
#include "cluster.h"
#include "election.h"
#include "eligible.h"
#include "health.h"

static proxy_worker *find_best(proxy_balancer *balancer, request_rec *r);
static apr_status_t nothing_to_do(proxy_balancer *balancer, server_rec *s);
static apr_status_t update_lbstatus(proxy_balancer *balancer, proxy_worker *elected, server_rec *s);

static const proxy_balancer_method byrequests = {
    "byrequests", find_best, NULL, nothing_to_do, nothing_to_do, update_lbstatus
};

static bool is_ours(const proxy_balancer *balancer)
{
    return balancer->lbmethod == &byrequests;
}

static lb_candidate_t candidate_of(const proxy_balancer *balancer, const proxy_worker *member)
{
    return (lb_candidate_t){ .pass = &lb_cluster_row(balancer, member)->pass,
                             .weight = (uint32_t)member->s->lbfactor };
}

static lb_standing_t standing_of(const proxy_balancer *balancer, proxy_worker *member,
                                 const lb_ticket_t *ticket, server_rec *s)
{
    lb_health_retry(balancer, member, s);
    return (lb_standing_t){
        .lbset = member->s->lbset,
        .is_usable = PROXY_WORKER_IS_USABLE(member)
                     && !(ticket && lb_ticket_has_tried(ticket, member)),
        .is_draining = PROXY_WORKER_IS_DRAINING(member) != 0,
        .is_spare = PROXY_WORKER_IS_SPARE(member) != 0,
        .is_standby = PROXY_WORKER_IS_STANDBY(member) != 0,
    };
}

/* Up to this many members an election needs no allocation. */
#define FEW 16

static proxy_worker *elect(proxy_balancer *balancer, const lb_ticket_t *ticket, request_rec *r)
{
    const int configured = balancer->workers->nelts;
    const size_t room = configured > FEW ? (size_t)configured : FEW;
    proxy_worker *few_members[FEW], **members = few_members;
    lb_standing_t few_standings[FEW], *standings = few_standings;
    lb_candidate_t few_candidates[FEW], *candidates = few_candidates;
    size_t few_chosen[FEW], *chosen = few_chosen;
    size_t count = 0;

    if (room > FEW) {
        members = apr_palloc(r->pool, room * sizeof(*members));
        standings = apr_palloc(r->pool, room * sizeof(*standings));
        candidates = apr_palloc(r->pool, room * sizeof(*candidates));
        chosen = apr_palloc(r->pool, room * sizeof(*chosen));
    }
    for (int i = 0; i < configured; i++) {
        proxy_worker *member = lb_cluster_member(balancer, i);
        if (member) {
            members[count] = member;
            standings[count++] = standing_of(balancer, member, ticket, r->server);
        }
    }
    const size_t chosen_count = lb_eligible(standings, count, chosen);
    for (size_t i = 0; i < chosen_count; i++) {
        candidates[i] = candidate_of(balancer, members[chosen[i]]);
    }
    const int winner =
        lb_election_elect(&lb_cluster_of(balancer)->row->clock, candidates, chosen_count);
    if (winner < 0) {
        return NULL;
    }
    proxy_worker *member = members[chosen[winner]];
    member->s->lbstatus = lb_provider_lbstatus(balancer, member);
    return member;
}

static proxy_worker *find_best(proxy_balancer *balancer, request_rec *r)
{
    return elect(balancer, NULL, r);
}

static apr_status_t nothing_to_do(proxy_balancer *balancer, server_rec *s)
{
    /* Passes only grow, and who was away starts at the clock: nothing to reset, nothing ages. */
    return APR_SUCCESS;
}

static apr_status_t update_lbstatus(proxy_balancer *balancer, proxy_worker *elected, server_rec *s)
{
    const lb_candidate_t chosen = candidate_of(balancer, elected);

    lb_election_charge(&lb_cluster_of(balancer)->row->clock, &chosen);
    elected->s->lbstatus = lb_provider_lbstatus(balancer, elected);
    return APR_SUCCESS;
}

int lb_provider_lbstatus(const proxy_balancer *balancer, const proxy_worker *member)
{
    if (!is_ours(balancer)) {
        return member->s->lbstatus;
    }
    const lb_candidate_t candidate = candidate_of(balancer, member);
    return lb_election_credit(&lb_cluster_of(balancer)->row->clock, &candidate);
}

proxy_worker *lb_provider_elect(const lb_ticket_t *ticket)
{
    proxy_balancer *balancer = ticket->balancer;

    if (is_ours(balancer)) {
        return elect(balancer, ticket, ticket->r);
    }
    PROXY_GLOBAL_LOCK(balancer);
    proxy_worker *member = balancer->lbmethod->finder(balancer, ticket->r);
    PROXY_GLOBAL_UNLOCK(balancer);
    return member && lb_ticket_has_tried(ticket, member) ? NULL : member;
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

void lb_provider_account(const lb_ticket_t *ticket, proxy_worker *member)
{
    proxy_balancer *balancer = ticket->balancer;

    if (is_ours(balancer)) {
        update_lbstatus(balancer, member, ticket->r->server);
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

void lb_provider_register(apr_pool_t *pconf)
{
    ap_register_provider(pconf, PROXY_LBMETHOD, "byrequests", "0", &byrequests);
}
