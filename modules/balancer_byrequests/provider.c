/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* provider.c - see provider.h. */
#include "provider.h"

#include <stdlib.h>

#include "ap_provider.h"
#include "cluster.h"
#include "election.h"
#include "eligible.h"
#include "health.h"
#include "member_state.h"
#include "session.h"
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

/* Of its row. */
static uint32_t index_of(const proxy_balancer *balancer)
{
    const lb_cluster_t *cluster = lb_cluster_of(balancer);
    return lb_table_balancer_index(cluster->ledger->table, cluster->row);
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
        .readiness = ticket && lb_ticket_has_tried(ticket, member)
                     ? LB_READY_NEVER : lb_health_readiness(balancer, member),
        .is_draining = PROXY_WORKER_IS_DRAINING(member) != 0,
        .is_spare = PROXY_WORKER_IS_SPARE(member) != 0,
        .is_standby = PROXY_WORKER_IS_STANDBY(member) != 0,
    };
}

/* Who can serve now. Up to FEW members it needs no allocation. */
#define FEW 16
typedef struct {
    lb_arena_t arena;
    lb_order_t order;
    proxy_worker **members;         /* by contender */
    lb_standing_t *standings;
    unsigned *turns;
    void *many;                     /* from malloc(), when there are more than FEW */
    lb_contender_t few_contenders[FEW];
    lb_candidate_t few_candidates[FEW];
    lb_standing_t few_standings[FEW];
    proxy_worker *few_members[FEW];
    size_t few_indices[FEW];
    unsigned few_turns[FEW];
} field_t;

/* returns  the contenders, to be filled in */
static lb_contender_t *make_room(field_t *field, size_t count)
{
    // cppcheck-suppress ctuuninitvar ; the address of an array in it
    lb_contender_t *contenders = field->few_contenders;

    field->many = NULL;
    field->arena.candidates = field->few_candidates;
    field->arena.contender_of = field->few_indices;
    field->members = field->few_members;
    field->standings = field->few_standings;
    field->turns = field->few_turns;
    if (count > FEW) {
        unsigned char *at = ap_malloc(count * (sizeof(*contenders) + sizeof(lb_candidate_t)
                                               + sizeof(proxy_worker *) + sizeof(size_t)
                                               + sizeof(lb_standing_t) + sizeof(unsigned)));
        field->many = at;
        contenders = (void *)at;
        field->arena.candidates = (void *)(at += count * sizeof(*contenders));
        field->members = (void *)(at += count * sizeof(lb_candidate_t));
        field->arena.contender_of = (void *)(at += count * sizeof(proxy_worker *));
        field->standings = (void *)(at += count * sizeof(size_t));
        field->turns = (void *)(at + count * sizeof(lb_standing_t));
    }
    return contenders;
}

/* What the order makes of each contender. */
static void set_turns(field_t *field, const proxy_balancer *balancer)
{
    const lb_readiness_t least =
        field->order.readiness == LB_READY_AT_LAST ? LB_READY_AT_LAST : LB_READY_LATE;

    for (size_t i = 0; i < field->arena.count; i++) {
        lb_contender_t *contender = &field->arena.contenders[i];
        const lb_readiness_t readiness = field->standings[i].readiness;
        // NOLINTNEXTLINE(clang-analyzer-core.*): lb_eligible() has filled in all of them
        contender->turn = field->turns[i];
        contender->is_usable = readiness >= least;
        contender->is_trial =
            readiness > LB_READY_AT_LAST
            && lb_health_phase(balancer, field->members[i]) != LB_IN_SERVICE;
    }
}

/* ticket  whose members already tried are left out; NULL: none */
static void gather(field_t *field, const proxy_balancer *balancer, const lb_ticket_t *ticket)
{
    const int configured = balancer->workers->nelts;
    lb_contender_t *contenders = make_room(field, (size_t)configured);
    size_t count = 0;

    for (int i = 0; i < configured; i++) {
        proxy_worker *member = lb_cluster_member(balancer, i);
        if (member) {
            const lb_candidate_t candidate = candidate_of(balancer, member);
            field->members[count] = member;
            field->standings[count] = standing_of(balancer, member, ticket);
            contenders[count++] = (lb_contender_t){
                .member = lb_cluster_index(balancer, member),
                .weight = candidate.weight,
                .held_back = candidate.held_back,
                .busy = &member->s->busy,
            };
        }
    }
    field->order =
        lb_eligible(field->standings, count,
                    !lb_cluster_of(balancer)->settings->keeps_to_its_turn, field->turns);
    field->arena.balancer = index_of(balancer);
    field->arena.contenders = contenders;
    field->arena.count = count;
    field->arena.open = field->order.open;
    set_turns(field, balancer);
}

/* All of the first turn, with room or without.
 * returns  how many candidates */
static size_t set_candidates(field_t *field, const proxy_balancer *balancer)
{
    size_t n = 0;

    for (size_t i = 0; i < field->arena.count; i++) {
        if (field->turns[i] == 0) {
            field->arena.candidates[n] = candidate_of(balancer, field->members[i]);
            field->arena.contender_of[n++] = i;
        }
    }
    return n;
}

static void end_field(field_t *field)
{
    free(field->many);
}

static proxy_worker *elect(proxy_balancer *balancer, const lb_ticket_t *ticket, bool *are_full)
{
    proxy_worker *member = NULL;
    field_t field;

    gather(&field, balancer, ticket);
    const int winner = lb_admission_elect(lb_cluster_of(balancer)->ledger, &field.arena);
    *are_full = winner < 0 && field.order.turns > 0;
    if (winner >= 0) {
        member = field.members[winner];
        member->s->lbstatus = lb_provider_lbstatus(balancer, member);
    }
    end_field(&field);
    return member;
}

/* The provider's own entry, for callers other than our balancer: an election without a right. */
static proxy_worker *find_best(proxy_balancer *balancer, request_rec *r)
{
    proxy_worker *member = NULL;
    field_t field;

    gather(&field, balancer, NULL);
    const size_t n = set_candidates(&field, balancer);
    const int winner = lb_election_elect(&lb_cluster_of(balancer)->row->clock,
                                         field.arena.candidates, n);
    if (winner >= 0) {
        member = field.members[field.arena.contender_of[winner]];
    }
    end_field(&field);
    return member;
}

static apr_status_t nothing_to_do(proxy_balancer *balancer, server_rec *s)
{
    /* Passes only grow, and who was away starts at the clock: nothing to reset, nothing ages. */
    return APR_SUCCESS;
}

static void charge(proxy_balancer *balancer, proxy_worker *member)
{
    const lb_candidate_t chosen = candidate_of(balancer, member);
    field_t field;

    gather(&field, balancer, NULL);
    const size_t n = set_candidates(&field, balancer);
    lb_election_charge(&lb_cluster_of(balancer)->row->clock, field.arena.candidates, n, &chosen);
    member->s->lbstatus = lb_provider_lbstatus(balancer, member);
    end_field(&field);
}

int lb_provider_lbstatus(const proxy_balancer *balancer, const proxy_worker *member)
{
    if (!is_ours(balancer)) {
        return member->s->lbstatus;
    }
    const lb_candidate_t candidate = candidate_of(balancer, member);
    return lb_election_credit(&lb_cluster_of(balancer)->row->clock, &candidate);
}

/* Another method chooses, among those of the first turn in which any has room; it may want none.
 * free_ones  room for all contenders */
static proxy_worker *elect_from_free_ones(const field_t *field, const lb_ticket_t *ticket,
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
    proxy_worker *member = n > 0 ? lb_stand_in_elect(balancer, free_ones, n, ticket->r) : NULL;
    *are_full = n == 0 && field->order.turns > 0;
    if (member && !lb_provider_take(balancer, member)) {
        *are_full = true;
        return NULL;
    }
    return member;
}

static proxy_worker *elect_by_other_method(const lb_ticket_t *ticket, bool *are_full)
{
    const proxy_balancer *balancer = ticket->balancer;
    field_t field;

    gather(&field, balancer, ticket);
    proxy_worker **free_ones =
        apr_palloc(ticket->r->pool, field.arena.count * sizeof(*free_ones));
    /* Until the right is taken, so that the next one who chooses sees it in flight. */
    PROXY_GLOBAL_LOCK(balancer);
    proxy_worker *member = elect_from_free_ones(&field, ticket, free_ones, are_full);
    PROXY_GLOBAL_UNLOCK(balancer);
    end_field(&field);
    return member;
}

proxy_worker *lb_provider_elect(const lb_ticket_t *ticket, bool *are_full)
{
    return is_ours(ticket->balancer) ? elect(ticket->balancer, ticket, are_full)
                                     : elect_by_other_method(ticket, are_full);
}

bool lb_provider_admit(lb_ticket_t *ticket, proxy_worker *member)
{
    field_t field;

    if (lb_health_admit(ticket, member)) {
        return true;
    }
    gather(&field, ticket->balancer, ticket);
    const bool nobody_is_left = field.order.readiness <= LB_READY_AT_LAST;
    end_field(&field);
    return (nobody_is_left || lb_session_is_bound(ticket))
           && lb_health_admit_at_last(ticket, member);
}

uint32_t lb_provider_queue(const lb_ticket_t *ticket, lb_waiter_t *request)
{
    lb_cluster_t *cluster = lb_cluster_of(ticket->balancer);
    field_t field;

    gather(&field, ticket->balancer, ticket);
    request->balancer = field.arena.balancer;
    const uint32_t slot = lb_admission_queue(cluster->ledger, request, &field.arena);
    end_field(&field);
    return slot;
}

bool lb_provider_take(const proxy_balancer *balancer, proxy_worker *member)
{
    return lb_admission_take(lb_cluster_of(balancer)->ledger, index_of(balancer),
                             lb_cluster_index(balancer, member), &member->s->busy);
}

void lb_provider_give_back(const proxy_balancer *balancer, uint32_t member, size_t *busy)
{
    if (lb_admission_give_back(lb_cluster_of(balancer)->ledger, index_of(balancer), member, busy)) {
        lb_provider_serve(balancer);
    }
}

void lb_provider_serve(const proxy_balancer *balancer)
{
    field_t field;

    gather(&field, balancer, NULL);
    lb_admission_serve(lb_cluster_of(balancer)->ledger->table, &field.arena);
    end_field(&field);
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

void lb_provider_mark_serving(const proxy_balancer *balancer, bool *serves)
{
    field_t field;

    gather(&field, balancer, NULL);
    for (size_t i = 0; field.order.readiness > LB_READY_AT_LAST && i < field.arena.count; i++) {
        if (field.turns[i] == 0 && !field.arena.contenders[i].is_trial) {
            serves[field.members[i]->s->index] = true;
        }
    }
    end_field(&field);
}

void lb_provider_register(apr_pool_t *pconf)
{
    ap_register_provider(pconf, PROXY_LBMETHOD, "byrequests", "0", &byrequests);
}
