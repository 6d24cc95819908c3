/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* slate.c - see slate.h. */
#include "slate.h"

#include <stdlib.h>

#include "admission.h"
#include "clock.h"
#include "contenders.h"
#include "health.h"
#include "member_state.h"
#include "tournament.h"

/* So often may others be faster, before all are looked at under the table's lock. */
#define LOOKS_MAX 16

/* Some of the contenders, by index. */
typedef struct {
    size_t *of;
    size_t count;
} group_t;

/* What it was made from; another one now: it is to be made anew. */
typedef struct {
    uint32_t changes;           /* lb_member_note_change() */
    apr_time_t members_seen;    /* lb_roster_sync() */
    int entries;                /* of mod_proxy's array */
} version_t;

struct lb_slate_t {
    pthread_mutex_t lock;
    bool is_made;
    version_t version;
    apr_time_t made_at;
    lb_contenders_t field;
    void *memory;               /* from malloc(): all that follows */
    lb_tournament_t passes;     /* of the first turn: who has all of its share, and is not full */
    group_t full;               /* who would be in there */
    group_t climbing;           /* of the first turn, in slow start; in their order */
    group_t watched;
    uint64_t *seen;             /* passes, by candidate */
    bool any_drains;
};

/* ---- Making it ------------------------------------------------------------------------------- */

static version_t version_of(const lb_balancer_t *balancer)
{
    return (version_t){ .changes = atomic_load(&balancer->ledger->table->changes),
                        .members_seen = balancer->roster->seen,
                        .entries = balancer->proxy->workers->nelts };
}

static void forget(lb_slate_t *slate)
{
    if (slate->is_made) {
        lb_contenders_end(&slate->field);
        free(slate->memory);
    }
    slate->is_made = false;
}

static void make_room(lb_slate_t *slate, size_t count)
{
    const size_t tree = lb_tournament_bytes(count);
    unsigned char *at =
        ap_malloc(tree + count * (sizeof(*slate->seen) + 3 * sizeof(*slate->full.of)));

    slate->memory = at;
    slate->passes = lb_tournament_begin(at, count);
    slate->seen = (void *)(at += tree);
    slate->full = (group_t){ (void *)(at += count * sizeof(*slate->seen)) };
    slate->climbing = (group_t){ slate->full.of + count };
    slate->watched = (group_t){ slate->climbing.of + count };
}

static void join(group_t *group, size_t contender)
{
    group->of[group->count++] = contender;
}

static uint64_t pass_of(const lb_slate_t *slate, size_t contender)
{
    return atomic_load(&slate->field.members[contender].row->pass);
}

static void enter(lb_slate_t *slate, size_t contender)
{
    const bool climbs = slate->field.arena.contenders[contender].held_back > 0;
    const bool is_first = slate->field.turns[contender] == 0;

    if (is_first && climbs) {
        join(&slate->climbing, contender);
    }
    else if (is_first) {
        lb_tournament_set(&slate->passes, contender, pass_of(slate, contender));
    }
    if (climbs || !lb_health_is_settled(&slate->field.members[contender])) {
        join(&slate->watched, contender);
    }
    slate->any_drains |= slate->field.standings[contender].is_draining;
}

static void make(lb_slate_t *slate, const lb_balancer_t *balancer)
{
    forget(slate);
    slate->version = version_of(balancer);    /* first: what changes from here on is noticed */
    slate->made_at = fc_now_roughly();
    lb_contenders_gather(&slate->field, balancer, NULL);
    make_room(slate, slate->field.arena.count);
    slate->any_drains = false;
    for (size_t i = 0; i < slate->field.arena.count; i++) {
        enter(slate, i);
    }
    slate->is_made = true;
}

/* ---- Is it still so? ------------------------------------------------------------------------- */

static bool is_as_seen(const lb_slate_t *slate, size_t contender)
{
    const lb_member_t *member = &slate->field.members[contender];
    const lb_standing_t *seen = &slate->field.standings[contender];
    const lb_standing_t now = lb_contenders_standing(member, NULL);
    const lb_contender_t *as = &slate->field.arena.contenders[contender];
    const lb_candidate_t candidate = lb_contenders_candidate(member);

    return lb_member_is_listed(member) && now.lbset == seen->lbset
           && now.readiness == seen->readiness && now.is_draining == seen->is_draining
           && now.is_spare == seen->is_spare && now.is_standby == seen->is_standby
           && candidate.weight == as->weight
           && (candidate.held_back == 0 || as->held_back > 0);
}

static bool are_as_seen(const lb_slate_t *slate, const group_t *group)
{
    for (size_t i = 0; i < group->count; i++) {
        if (!is_as_seen(slate, group->of[i])) {
            return false;
        }
    }
    return true;
}

static bool is_current(const lb_slate_t *slate, const lb_balancer_t *balancer)
{
    const version_t now = version_of(balancer);

    return slate->is_made && now.changes == slate->version.changes
           && now.members_seen == slate->version.members_seen
           && now.entries == slate->version.entries
           && fc_now_roughly() - slate->made_at < LB_SLATE_LIFE
           && are_as_seen(slate, &slate->watched);
}

/* returns  the balancer's, locked, and as it is now */
static lb_slate_t *open_slate(const lb_balancer_t *balancer)
{
    lb_slate_t *slate = balancer->slate;

    pthread_mutex_lock(&slate->lock);
    if (!is_current(slate, balancer)) {
        make(slate, balancer);
    }
    return slate;
}

static void close_slate(lb_slate_t *slate)
{
    pthread_mutex_unlock(&slate->lock);
}

/* ---- Who is first? --------------------------------------------------------------------------- */

static bool has_place(const lb_slate_t *slate, size_t contender)
{
    return lb_admission_has_place(slate->field.members[contender].row);
}

/* Who was full may have room again. */
static void let_in_again(lb_slate_t *slate)
{
    size_t still = 0;

    for (size_t i = 0; i < slate->full.count; i++) {
        const size_t contender = slate->full.of[i];
        if (has_place(slate, contender)) {
            lb_tournament_set(&slate->passes, contender, pass_of(slate, contender));
        }
        else {
            slate->full.of[still++] = contender;
        }
    }
    slate->full.count = still;
}

/* Of those who have all of their share.
 * returns  LB_NO_ONE when none is free */
static size_t first_by_pass(lb_slate_t *slate)
{
    for (;;) {
        const size_t first = lb_tournament_first(&slate->passes);
        if (first == LB_NO_ONE) {
            return LB_NO_ONE;
        }
        const uint64_t pass = pass_of(slate, first);
        if (pass != lb_tournament_number(&slate->passes, first)) {
            lb_tournament_set(&slate->passes, first, pass);
        }
        else if (has_place(slate, first)) {
            return first;
        }
        else {
            lb_tournament_set(&slate->passes, first, LB_ABSENT);
            join(&slate->full, first);
        }
    }
}

static size_t look(lb_slate_t *slate, const lb_balancer_t *balancer)
{
    let_in_again(slate);
    const size_t first = first_by_pass(slate);
    if (first == LB_NO_ONE || is_as_seen(slate, first)) {
        return first;
    }
    make(slate, balancer);
    return first_by_pass(slate);
}

/* ---- Elections ------------------------------------------------------------------------------- */

static void add_candidate(lb_slate_t *slate, size_t contender, uint64_t pass, size_t *n)
{
    const lb_arena_t *arena = &slate->field.arena;

    arena->candidates[*n] = lb_contenders_candidate(&slate->field.members[contender]);
    arena->contender_of[*n] = contender;
    slate->seen[(*n)++] = pass;
}

/* The first by pass and those who climb and have room, in their order.
 * returns  how many */
static size_t set_candidates(lb_slate_t *slate, size_t first)
{
    size_t n = 0;

    for (size_t i = 0; i < slate->climbing.count; i++) {
        const size_t next = slate->climbing.of[i];
        if (first < next) {
            add_candidate(slate, first, lb_tournament_number(&slate->passes, first), &n);
            first = LB_NO_ONE;    /* greater than all */
        }
        if (has_place(slate, next)) {
            add_candidate(slate, next, pass_of(slate, next), &n);
        }
    }
    if (first != LB_NO_ONE) {
        add_candidate(slate, first, lb_tournament_number(&slate->passes, first), &n);
    }
    return n;
}

/* returns  the contender, -1 when none is free, or others are always faster */
static int elect(lb_slate_t *slate, const lb_balancer_t *balancer)
{
    const lb_arena_t *arena = &slate->field.arena;

    for (int looks = 0; looks < LOOKS_MAX; looks++) {
        const size_t n = set_candidates(slate, look(slate, balancer));
        const int winner =
            n > 0 ? lb_admission_elect_of(balancer->ledger, arena, slate->seen, n) : -1;
        if (winner >= 0 || n == 0
            || lb_admission_is_awaited(balancer->ledger->table, arena->balancer)) {
            return winner;
        }
    }
    return -1;
}

bool lb_slate_elect(const lb_balancer_t *balancer, lb_member_t *member, bool *may_wait)
{
    lb_slate_t *slate = open_slate(balancer);
    const bool is_awaited =
        lb_admission_is_awaited(balancer->ledger->table, lb_balancer_index(balancer));
    const int winner = is_awaited ? -1 : elect(slate, balancer);

    if (winner >= 0) {
        *member = slate->field.members[winner];
    }
    *may_wait = lb_contenders_may_wait(&slate->field);
    close_slate(slate);
    return is_awaited || winner >= 0;
}

void lb_slate_charge(const lb_member_t *member)
{
    const lb_candidate_t chosen = lb_contenders_candidate(member);
    _Atomic uint64_t *clock = &member->balancer->row->clock;
    lb_slate_t *slate = open_slate(member->balancer);
    size_t n = 0;

    lb_election_charge(clock, &chosen);
    const size_t first = look(slate, member->balancer);
    if (first != LB_NO_ONE) {
        add_candidate(slate, first, 0, &n);
    }
    for (size_t i = 0; i < slate->climbing.count; i++) {
        add_candidate(slate, slate->climbing.of[i], 0, &n);
    }
    for (size_t i = 0; i < slate->full.count; i++) {
        add_candidate(slate, slate->full.of[i], 0, &n);
    }
    lb_election_follow(clock, slate->field.arena.candidates, n);
    close_slate(slate);
}

bool lb_slate_any_drains(const lb_balancer_t *balancer)
{
    lb_slate_t *slate = open_slate(balancer);
    const bool any = slate->any_drains;

    close_slate(slate);
    return any;
}

/* ---- In a child ------------------------------------------------------------------------------ */

static apr_status_t end(void *data)
{
    lb_slate_t *slate = data;

    forget(slate);
    pthread_mutex_destroy(&slate->lock);
    return APR_SUCCESS;
}

void lb_slate_child_init(lb_balancer_t *balancer, apr_pool_t *pchild)
{
    lb_slate_t *slate;

    if (balancer->slate) {
        return;    /* of another virtual host, too */
    }
    slate = apr_pcalloc(pchild, sizeof(*slate));
    pthread_mutex_init(&slate->lock, NULL);
    apr_pool_cleanup_register(pchild, slate, end, apr_pool_cleanup_null);
    balancer->slate = slate;
}
