/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* discovery.c - see discovery.h. */
#include "discovery.h"

#include "clock.h"
#include "discovery_log.h"
#include "member_state.h"
#include "membership.h"
#include "panic.h"
#include "wanted.h"

/* Where a newcomer's slot or name was not free yet. */
#define TRY_AGAIN_US apr_time_from_sec(1)

/* An answer while it is taken. */
typedef struct {
    const lb_balancer_t *balancer;
    const lb_source_t *source;
    const lb_answer_t *answer;
    apr_pool_t *p;
    int64_t now;
    bool is_first;                /* the first with addresses: nobody comes late */
    lb_discovery_standing_t standing;
    apr_hash_t *members;          /* see lb_wanted_members() */
    apr_hash_t *wanted;           /* see lb_wanted_of() */
    apr_array_header_t *added;    /* of const char *: URLs */
    bool is_incomplete;           /* somebody could not be added yet */
} taking_t;

lb_question_t lb_discovery_question(const lb_source_t *source)
{
    const proxy_worker_shared *s = source->template->s;

    return (lb_question_t){ source->params->kind, s->hostname_ex, (uint16_t)s->port };
}

/* ---- The source ------------------------------------------------------------------------------ */

static void note_answer(taking_t *t)
{
    lb_source_row_t *row = t->source->row;
    const lb_answer_t *answer = t->answer;

    t->standing = (lb_discovery_standing_t){
        .state = (lb_source_state_t)atomic_load(&row->state),
        .failures = atomic_load(&row->failures_in_a_row),
        .empty_since = atomic_load(&row->empty_since),
    };
    const lb_source_state_t before = t->standing.state;
    t->is_first = before == LB_SOURCE_WAITING;
    lb_discovery_rules_note(&t->standing, answer->kind, t->now);
    if (t->standing.state != before || !atomic_load(&row->state_since)) {
        atomic_store(&row->state_since, t->now);
    }
    atomic_store(&row->state, t->standing.state);
    atomic_store(&row->failures_in_a_row, t->standing.failures);
    atomic_store(&row->empty_since, t->standing.empty_since);
    atomic_fetch_add(&row->queries, 1);
    atomic_fetch_add(&row->failures, answer->kind == LB_ANSWER_FAILED);
    if (answer->kind != LB_ANSWER_FAILED) {
        atomic_store(&row->answered_at, t->now);
        atomic_store(&row->ttl, answer->ttl);
    }
    apr_cpystrn(row->error, answer->error ? answer->error : "", sizeof(row->error));
}

static void count_change(const taking_t *t)
{
    atomic_fetch_add(&t->source->row->changes, 1);
}

/* ---- Its members: with the global mutex held ------------------------------------------------- */

/* When nobody knows about a family of addresses, those that are there count as named. */
static bool is_named(const taking_t *t, const lb_member_t *member)
{
    const bool is_inet6 = strchr(member->worker->s->hostname_ex, ':') != NULL;

    return apr_hash_get(t->wanted, member->worker->s->name_ex, APR_HASH_KEY_STRING)
           || (is_inet6 ? t->answer->inet6_failed : t->answer->inet_failed);
}

static void take_step(const taking_t *t, const lb_member_t *member)
{
    lb_slot_t *slot = lb_member_slot(member);
    const lb_discovered_standing_t standing = {
        .is_named = is_named(t, member),
        .is_gone = lb_member_leaves(member),
        .missing_since = atomic_load(&slot->missing_since),
    };

    switch (lb_discovery_rules_step(&t->source->params->terms, &t->standing, &standing, t->now)) {
    case LB_DISCOVERED_STAYS:
        break;
    case LB_DISCOVERED_IS_MISSING:
        atomic_store(&slot->missing_since, t->now);
        break;
    case LB_DISCOVERED_IS_FOUND:
        atomic_store(&slot->missing_since, 0);
        break;
    case LB_DISCOVERED_GOES:
        atomic_store(&slot->missing_since,
                     standing.missing_since ? standing.missing_since : t->now);
        lb_discovery_log_vanished(member);
        lb_membership_remove(member);
        lb_member_state_note(member, LB_CAUSE_DISCOVERY, "");
        lb_panic_let_go(member, member->balancer->server);
        count_change(t);
        break;
    case LB_DISCOVERED_RETURNS:
        atomic_store(&slot->missing_since, 0);
        lb_membership_return(member);
        lb_member_state_note(member, LB_CAUSE_DISCOVERY, "");
        lb_discovery_log_returned(member);
        count_change(t);
        break;
    }
}

static void take_place(const taking_t *t, const lb_member_t *member)
{
    const lb_wanted_t *wanted =
        apr_hash_get(t->wanted, member->worker->s->name_ex, APR_HASH_KEY_STRING);

    if (wanted && lb_membership_place(member, &wanted->place)) {
        lb_discovery_log_placed(member, &wanted->place);
    }
}

static void take_members(const taking_t *t)
{
    lb_member_t member;

    for (int i = 0; lb_member_next(t->balancer, &i, &member);) {
        if (lb_member_source(&member) == t->source) {
            take_step(t, &member);
            take_place(t, &member);
        }
    }
}

/* Of several the first is told: what keeps it out keeps out the others, too. */
static void postpone(taking_t *t, const lb_wanted_t *wanted, const char *why)
{
    if (!t->is_incomplete) {
        lb_discovery_log_not_added(t->balancer, t->source, wanted->url, why);
    }
    t->is_incomplete = true;
}

static void add(taking_t *t, const lb_wanted_t *wanted)
{
    if (lb_membership_free_slots(t->balancer, t->source) <= 0) {
        postpone(t, wanted, "all slots have members that wait for their last requests. Fix: raise "
                            "discovermax");
        return;
    }
    const char *err =
        lb_membership_discover(t->p, t->balancer, t->source, wanted->url, &wanted->place);
    if (err) {
        postpone(t, wanted, err);
        return;
    }
    APR_ARRAY_PUSH(t->added, const char *) = wanted->url;
    lb_discovery_log_added(t->balancer, t->source, wanted->url);
    count_change(t);
}

static void add_members(taking_t *t)
{
    for (apr_hash_index_t *i = apr_hash_first(t->p, t->wanted); i; i = apr_hash_next(i)) {
        const lb_wanted_t *wanted = apr_hash_this_val(i);
        const lb_member_t *there = apr_hash_get(t->members, wanted->url, APR_HASH_KEY_STRING);
        if (!there) {
            add(t, wanted);
        }
        else if (lb_member_source(there) != t->source) {
            t->is_incomplete = true;    /* another line's, which is leaving */
        }
    }
}

static void find_wanted(taking_t *t)
{
    lb_source_row_t *row = t->source->row;
    const uint32_t before = atomic_load(&row->dropped);
    uint32_t dropped;

    t->wanted = lb_wanted_of(t->p, t->source, t->answer, t->members, &dropped);
    atomic_store(&row->addresses, (uint32_t)t->answer->addresses->nelts);
    atomic_store(&row->dropped, dropped);
    lb_discovery_log_dropped(t->balancer, t->source, before);
}

static void change_members(taking_t *t)
{
    const proxy_balancer *proxy = t->balancer->proxy;

    PROXY_GLOBAL_LOCK(proxy);
    lb_balancer_sync(t->balancer->proxy, t->balancer->server);
    t->members = lb_wanted_members(t->p, t->balancer);
    t->wanted = apr_hash_make(t->p);
    if (t->answer->kind == LB_ANSWER_RECORDS) {
        find_wanted(t);
    }
    /* who comes is there before anybody goes: at no time are there none */
    add_members(t);
    take_members(t);
    PROXY_GLOBAL_UNLOCK(proxy);
}

/* ---- Behind it ------------------------------------------------------------------------------- */

/* Who comes late starts slowly; at the start of the server all begin at once. */
static void start_newcomers(const taking_t *t)
{
    apr_hash_t *members = lb_wanted_members(t->p, t->balancer);

    for (int i = 0; i < t->added->nelts; i++) {
        const char *url = APR_ARRAY_IDX(t->added, i, const char *);
        const lb_member_t *member = apr_hash_get(members, url, APR_HASH_KEY_STRING);
        if (member && t->is_first) {
            atomic_store(&member->row->strikes.since, t->now);
        }
        else if (member) {
            lb_member_state_note_change(member, PROXY_WORKER_DISABLED, member->worker->s->status);
        }
    }
}

/* returns  0: nobody is missing */
static int64_t missing_for_longest(const taking_t *t)
{
    int64_t first = 0;
    lb_member_t member;

    for (int i = 0; lb_member_next(t->balancer, &i, &member);) {
        const int64_t since = atomic_load(&lb_member_slot(&member)->missing_since);
        if (lb_member_source(&member) == t->source && since && !lb_member_leaves(&member)) {
            first = !first || since < first ? since : first;
        }
    }
    return first;
}

static void set_next(const taking_t *t)
{
    int64_t next = lb_discovery_rules_next(&t->source->params->terms, &t->standing, t->answer->ttl,
                                           missing_for_longest(t), t->now);

    if (t->is_incomplete && t->now + TRY_AGAIN_US < next) {
        next = t->now + TRY_AGAIN_US;
    }
    atomic_store(&t->source->row->next_at, next);
}

void lb_discovery_take(const lb_balancer_t *balancer, const lb_source_t *source,
                       const lb_answer_t *answer, apr_pool_t *p)
{
    taking_t t = { .balancer = balancer,
                   .source = source,
                   .answer = answer,
                   .p = p,
                   .now = fc_now(),
                   .added = apr_array_make(p, 4, sizeof(const char *)) };

    note_answer(&t);
    lb_discovery_log_source(balancer, source, answer);
    if (answer->kind != LB_ANSWER_FAILED) {
        change_members(&t);
        lb_balancer_sync(balancer->proxy, balancer->server);
        start_newcomers(&t);
    }
    set_next(&t);
}
