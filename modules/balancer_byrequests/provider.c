/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* provider.c - see provider.h. */
#include "provider.h"

#include "ap_provider.h"
#include "cluster.h"
#include "election.h"
#include "eligible.h"
#include "health.h"
#include "member_state.h"
#include "stand_in.h"

static proxy_worker *find_best(proxy_balancer *balancer, request_rec *r);
static apr_status_t nothing_to_do(proxy_balancer *balancer, server_rec *s);

static const proxy_balancer_method byrequests = {
    "byrequests", find_best, NULL, nothing_to_do, nothing_to_do, NULL
};

static bool is_ours(const proxy_balancer *balancer)
{
    return balancer->lbmethod == &byrequests;
}

static lb_candidate_t candidate_of(const proxy_balancer *balancer, const proxy_worker *member)
{
    return (lb_candidate_t){ .pass = &lb_cluster_row(balancer, member)->pass,
                             .weight = (uint32_t)member->s->lbfactor,
                             .held_back = lb_member_state_held_back(balancer, member) };
}

static lb_standing_t standing_of(const proxy_balancer *balancer, const proxy_worker *member,
                                 const lb_ticket_t *ticket)
{
    return (lb_standing_t){
        .lbset = member->s->lbset,
        .is_usable = lb_health_is_ready(balancer, member) && !lb_health_is_busy(balancer, member)
                     && !(ticket && lb_ticket_has_tried(ticket, member)),
        .is_draining = PROXY_WORKER_IS_DRAINING(member) != 0,
        .is_spare = PROXY_WORKER_IS_SPARE(member) != 0,
        .is_standby = PROXY_WORKER_IS_STANDBY(member) != 0,
    };
}

/* Nobody is left: those who are only busy are better than none.
 * returns  is there any? */
static bool with_busy_ones(const proxy_balancer *balancer, const lb_ticket_t *ticket,
                           proxy_worker *const *members, lb_standing_t *standings, size_t count)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        if (!standings[i].is_usable && lb_health_is_ready(balancer, members[i])
            && lb_health_is_busy(balancer, members[i])
            && !(ticket && lb_ticket_has_tried(ticket, members[i]))) {
            standings[i].is_usable = any = true;
        }
    }
    return any;
}

/* Who can be elected now. Up to FEW members it needs no allocation. */
#define FEW 16
typedef struct {
    size_t count;
    proxy_worker **members;
    proxy_worker *few_members[FEW];
} field_t;

/* ticket  whose members already tried are left out; NULL: none */
static void gather(field_t *field, const proxy_balancer *balancer, const lb_ticket_t *ticket,
                   request_rec *r)
{
    const size_t room = (size_t)balancer->workers->nelts;
    lb_standing_t few_standings[FEW] = { 0 }, *standings = few_standings;
    proxy_worker *few[FEW], **all = few;
    size_t few_chosen[FEW], *chosen = few_chosen, count = 0;

    field->members = field->few_members;
    if (room > FEW) {
        field->members = apr_palloc(r->pool, room * sizeof(*field->members));
        standings = apr_palloc(r->pool, room * sizeof(*standings));
        all = apr_palloc(r->pool, room * sizeof(*all));
        chosen = apr_palloc(r->pool, room * sizeof(*chosen));
    }
    for (size_t i = 0; i < room; i++) {
        proxy_worker *member = lb_cluster_member(balancer, (int)i);
        if (member) {
            all[count] = member;
            standings[count++] = standing_of(balancer, member, ticket);
        }
    }
    field->count = lb_eligible(standings, count, chosen);
    if (field->count == 0 && with_busy_ones(balancer, ticket, all, standings, count)) {
        field->count = lb_eligible(standings, count, chosen);
    }
    for (size_t i = 0; i < field->count; i++) {
        field->members[i] = all[chosen[i]];
    }
}

/* The field in the terms of the election.
 * few   used when they fit
 * returns  as many as field->count */
static lb_candidate_t *candidates_of(const field_t *field, const proxy_balancer *balancer,
                                     lb_candidate_t *few, request_rec *r)
{
    lb_candidate_t *candidates =
        field->count > FEW ? apr_palloc(r->pool, field->count * sizeof(*candidates)) : few;
    for (size_t i = 0; i < field->count; i++) {
        candidates[i] = candidate_of(balancer, field->members[i]);
    }
    return candidates;
}

static proxy_worker *elect(const field_t *field, const proxy_balancer *balancer, request_rec *r)
{
    lb_candidate_t few[FEW];
    const lb_candidate_t *candidates = candidates_of(field, balancer, few, r);
    const int winner = lb_election_elect(&lb_cluster_of(balancer)->row->clock, candidates,
                                         field->count);
    if (winner < 0) {
        return NULL;
    }
    proxy_worker *member = field->members[winner];
    member->s->lbstatus = lb_provider_lbstatus(balancer, member);
    return member;
}

static proxy_worker *find_best(proxy_balancer *balancer, request_rec *r)
{
    field_t field;

    gather(&field, balancer, NULL, r);
    return elect(&field, balancer, r);
}

static apr_status_t nothing_to_do(proxy_balancer *balancer, server_rec *s)
{
    /* Passes only grow, and who was away starts at the clock: nothing to reset, nothing ages. */
    return APR_SUCCESS;
}

static void charge(proxy_balancer *balancer, proxy_worker *member, request_rec *r)
{
    const lb_candidate_t chosen = candidate_of(balancer, member);
    lb_candidate_t few[FEW];
    field_t field;

    gather(&field, balancer, NULL, r);
    const lb_candidate_t *candidates = candidates_of(&field, balancer, few, r);
    lb_election_charge(&lb_cluster_of(balancer)->row->clock, candidates, field.count, &chosen);
    member->s->lbstatus = lb_provider_lbstatus(balancer, member);
}

int lb_provider_lbstatus(const proxy_balancer *balancer, const proxy_worker *member)
{
    if (!is_ours(balancer)) {
        return member->s->lbstatus;
    }
    const lb_candidate_t candidate = candidate_of(balancer, member);
    return lb_election_credit(&lb_cluster_of(balancer)->row->clock, &candidate);
}

proxy_worker *lb_provider_elect(lb_ticket_t *ticket)
{
    proxy_balancer *balancer = ticket->balancer;
    field_t field;

    for (;;) {
        gather(&field, balancer, ticket, ticket->r);
        if (field.count == 0) {
            return NULL;
        }
        proxy_worker *member = is_ours(balancer)
                               ? elect(&field, balancer, ticket->r)
                               : lb_stand_in_elect(balancer, field.members, field.count,
                                                   ticket->r);
        if (!member || lb_health_admit(ticket, member)) {
            return member;
        }
        /* Another request is its trial now: it is not in the field of the next round. */
    }
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
        charge(balancer, member, ticket->r);
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
