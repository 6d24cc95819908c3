/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* admission.c - see admission.h. */
#include "admission.h"

#include "queue.h"

static bool has_room(const lb_member_row_t *row)
{
    const uint32_t limit = atomic_load_explicit(&row->limit, memory_order_relaxed);
    return limit == 0 || atomic_load_explicit(&row->in_flight, memory_order_relaxed) < limit;
}

static uint32_t waiting_for(const lb_member_row_t *row)
{
    return atomic_load_explicit(&row->waiting, memory_order_relaxed);
}

static uint32_t waiting_for_any(lb_table_t *t, uint32_t balancer)
{
    return atomic_load_explicit(&lb_table_balancer(t, balancer)->waiting, memory_order_relaxed);
}

/* May a newcomer have it, or do sessions wait for it? */
static bool is_free(const lb_member_row_t *row)
{
    return has_room(row) && waiting_for(row) == 0;
}

bool lb_admission_is_free(lb_table_t *t, uint32_t balancer, uint32_t member)
{
    return waiting_for_any(t, balancer) == 0 && is_free(lb_table_member(t, member));
}

static bool has_tried_any(const lb_waiter_t *w)
{
    return w->tried[0] != LB_NOBODY;
}

static bool wants(const lb_waiter_t *w, uint32_t member)
{
    for (int i = 0; i < LB_TRIED_MAX; i++) {
        if (w->tried[i] == member) {
            return false;
        }
    }
    return true;
}

/* Elect among the first n of the arena's candidates.
 * returns  index of the contender */
static size_t elect_from(lb_table_t *t, const lb_arena_t *arena, size_t n)
{
    _Atomic uint64_t *clock = &lb_table_balancer(t, arena->balancer)->clock;
    return arena->contender_of[lb_election_elect(clock, arena->candidates, n)];
}

static void add_candidate(lb_member_row_t *row, const lb_arena_t *arena, size_t contender,
                          size_t *n)
{
    arena->candidates[*n] = (lb_candidate_t){
        .pass = &row->pass,
        .weight = arena->contenders[contender].weight,
        .held_back = arena->contenders[contender].held_back,
    };
    arena->contender_of[(*n)++] = contender;
}

/* ---- Newcomers ------------------------------------------------------------------------------- */

/* The free ones of the first turn that has any. With a thousand members this loop is what an
 * election costs: no call in it, and the rows one after the other.
 * returns  how many candidates */
static size_t free_ones(lb_table_t *t, const lb_arena_t *arena)
{
    lb_member_row_t *rows = lb_table_member(t, 0);
    uint32_t turn = arena->open;
    size_t n = 0;

    if (waiting_for_any(t, arena->balancer) > 0) {
        return 0;
    }
    for (size_t i = 0; i < arena->count; i++) {
        lb_member_row_t *row = &rows[arena->contenders[i].member];
        const uint32_t its_turn = arena->contenders[i].turn;
        if (its_turn < arena->open && its_turn <= turn && is_free(row)) {
            n = its_turn < turn ? 0 : n;
            turn = its_turn;
            add_candidate(row, arena, i, &n);
        }
    }
    return n;
}

int lb_admission_elect(lb_ledger_t *ledger, const lb_arena_t *arena)
{
    lb_table_t *t = ledger->table;
    int winner = -1;

    lb_ledger_lock(t);
    const size_t n = free_ones(t, arena);
    if (n > 0) {
        winner = (int)elect_from(t, arena, n);
        lb_ledger_take(ledger, arena->contenders[winner].member, arena->contenders[winner].busy);
    }
    lb_ledger_unlock(t);
    return winner;
}

bool lb_admission_take(lb_ledger_t *ledger, uint32_t balancer, uint32_t member, size_t *busy)
{
    lb_ledger_lock(ledger->table);
    const bool is_ours = lb_admission_is_free(ledger->table, balancer, member);
    if (is_ours) {
        lb_ledger_take(ledger, member, busy);
    }
    lb_ledger_unlock(ledger->table);
    return is_ours;
}

bool lb_admission_give_back(lb_ledger_t *ledger, uint32_t balancer, uint32_t member, size_t *busy)
{
    lb_table_t *t = ledger->table;

    lb_ledger_lock(t);
    lb_ledger_give_back(ledger, member, busy);
    const bool somebody_waits = waiting_for_any(t, balancer) > 0
                                || waiting_for(lb_table_member(t, member)) > 0;
    lb_ledger_unlock(t);
    return somebody_waits;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

/* May one more wait? A session counts for its member, all others for the members together. */
static bool has_queue_room(lb_table_t *t, const lb_waiter_t *request, const lb_arena_t *arena)
{
    uint64_t limit = 0, waiting;

    if (request->member != LB_NOBODY) {
        const lb_member_row_t *row = lb_table_member(t, request->member);
        waiting = waiting_for(row);
        limit = atomic_load(&row->queue_limit);
        return waiting < limit;
    }
    waiting = waiting_for_any(t, request->balancer);
    for (size_t i = 0; i < arena->count; i++) {
        if (arena->contenders[i].turn < arena->open) {
            limit += atomic_load(&lb_table_member(t, arena->contenders[i].member)->queue_limit);
        }
    }
    return waiting < limit;
}

uint32_t lb_admission_queue(lb_ledger_t *ledger, const lb_waiter_t *request,
                            const lb_arena_t *arena)
{
    lb_waiter_t complete = *request;
    uint32_t slot = LB_NOBODY;

    lb_ledger_lock(ledger->table);
    /* under the lock: who leaves in the meantime takes its waiters along */
    complete.process = lb_ledger_row(ledger);
    if (complete.process != LB_NOBODY && has_queue_room(ledger->table, request, arena)) {
        slot = lb_queue_add(ledger->table, &complete);
    }
    lb_ledger_unlock(ledger->table);
    return slot;
}

bool lb_admission_is_granted(const lb_ledger_t *ledger, uint32_t slot)
{
    return atomic_load(&lb_table_waiter(ledger->table, slot)->state) == LB_SLOT_GRANTED;
}

uint32_t lb_admission_granted(const lb_ledger_t *ledger, uint32_t slot)
{
    return lb_admission_is_granted(ledger, slot) ? lb_table_waiter(ledger->table, slot)->granted
                                                 : LB_NOBODY;
}

void lb_admission_decline(lb_ledger_t *ledger, uint32_t slot, bool for_good)
{
    lb_table_t *t = ledger->table;

    lb_ledger_lock(t);
    if (lb_ledger_row(ledger) != LB_NOBODY && lb_admission_is_granted(ledger, slot)) {
        lb_ledger_add_granted(t, lb_table_waiter(t, slot)->granted, -1, NULL);
        lb_queue_take_back(t, slot, for_good);
    }
    lb_ledger_unlock(t);
}

void lb_admission_widen(lb_ledger_t *ledger, uint32_t slot)
{
    lb_ledger_lock(ledger->table);
    if (lb_ledger_row(ledger) != LB_NOBODY) {
        lb_queue_widen(ledger->table, slot);
    }
    lb_ledger_unlock(ledger->table);
}

uint32_t lb_admission_end(lb_ledger_t *ledger, uint32_t slot)
{
    lb_table_t *t = ledger->table;
    uint32_t member = LB_NOBODY;

    lb_ledger_lock(t);
    if (lb_ledger_row(ledger) != LB_NOBODY) {    /* else the slot was taken from us */
        if (lb_admission_is_granted(ledger, slot)) {
            /* the sum stays as it is: what was granted is now held */
            member = lb_table_waiter(t, slot)->granted;
            lb_ledger_add_granted(t, member, -1, NULL);
            lb_ledger_take(ledger, member, NULL);
        }
        lb_queue_remove(t, slot);
    }
    lb_ledger_unlock(t);
    return member;
}

/* ---- Serving --------------------------------------------------------------------------------- */

static void consider(lb_table_t *t, uint32_t slot, uint32_t *best)
{
    if (*best == LB_NOBODY
        || lb_queue_is_before(lb_table_waiter(t, slot), lb_table_waiter(t, *best))) {
        *best = slot;
    }
}

/* In how many turns may this one be served? In those that are open; who has tried all of these
 * goes on to the next. */
static uint32_t reach_of(const lb_arena_t *arena, const lb_waiter_t *w)
{
    uint32_t next = LB_NO_TURN;

    for (size_t i = 0; i < arena->count && has_tried_any(w); i++) {
        const lb_contender_t *c = &arena->contenders[i];
        if (c->turn < next && wants(w, c->member)) {
            next = c->turn;
        }
    }
    return next == LB_NO_TURN || next < arena->open ? arena->open : next + 1;
}

/* A session's own member. */
static size_t candidate_of_session(lb_table_t *t, const lb_arena_t *arena, const lb_waiter_t *w)
{
    lb_member_row_t *row = lb_table_member(t, w->member);
    size_t n = 0;

    for (size_t i = 0; i < arena->count && n == 0; i++) {
        const lb_contender_t *c = &arena->contenders[i];
        if (c->member == w->member && c->is_usable && has_room(row)) {
            add_candidate(row, arena, i, &n);
        }
    }
    return n;
}

/* The contenders with room that this waiter may get, of the first turn that has any; sets the
 * arena's candidates.
 * returns  how many */
static size_t candidates_for(lb_table_t *t, const lb_arena_t *arena, const lb_waiter_t *w)
{
    if (w->member != LB_NOBODY) {
        return candidate_of_session(t, arena, w);
    }
    const uint32_t reach = reach_of(arena, w);
    uint32_t turn = reach;
    size_t n = 0;

    for (size_t i = 0; i < arena->count; i++) {
        const lb_contender_t *c = &arena->contenders[i];
        lb_member_row_t *row = lb_table_member(t, c->member);
        if (c->turn < reach && c->turn <= turn && wants(w, c->member) && has_room(row)) {
            n = c->turn < turn ? 0 : n;
            turn = c->turn;
            add_candidate(row, arena, i, &n);
        }
    }
    return n;
}

/* The first of those who wait for any member and can get one. Nearly always it is the first of all:
 * the others are only asked when that one has tried all that is free.
 * only_triers   nothing is free but for who has tried some
 * returns  LB_NOBODY when there is none */
static uint32_t first_to_serve(lb_table_t *t, const lb_arena_t *arena, bool only_triers)
{
    uint32_t slot = lb_queue_first(t, arena->balancer);

    while (slot != LB_NOBODY) {
        const lb_waiter_t *w = lb_table_waiter(t, slot);
        if ((!only_triers || has_tried_any(w)) && candidates_for(t, arena, w) > 0) {
            return slot;
        }
        slot = w->next;
    }
    return LB_NOBODY;
}

/* Whose turn is it?
 * returns  LB_NOBODY when nobody who waits can get anything */
static uint32_t next_in_turn(lb_table_t *t, const lb_arena_t *arena)
{
    uint32_t best = LB_NOBODY;
    bool any_is_open = false, any_is_free = false;

    for (size_t i = 0; i < arena->count; i++) {
        const lb_contender_t *c = &arena->contenders[i];
        const lb_member_row_t *row = lb_table_member(t, c->member);
        if (has_room(row)) {
            any_is_open |= c->turn < arena->open;
            any_is_free |= c->turn != LB_NO_TURN;
            if (c->is_usable && waiting_for(row) > 0) {
                consider(t, lb_queue_first_of_member(t, c->member), &best);
            }
        }
    }
    if (any_is_free) {
        const uint32_t slot = first_to_serve(t, arena, !any_is_open);
        if (slot != LB_NOBODY) {
            consider(t, slot, &best);
        }
    }
    return best;
}

/* returns  the process to wake, LB_NOBODY when nobody can be served */
static uint32_t serve_one(lb_table_t *t, const lb_arena_t *arena)
{
    uint32_t process = LB_NOBODY;

    lb_ledger_lock(t);
    const uint32_t slot = next_in_turn(t, arena);
    if (slot != LB_NOBODY) {
        const size_t n = candidates_for(t, arena, lb_table_waiter(t, slot));
        lb_contender_t *winner = &arena->contenders[elect_from(t, arena, n)];
        process = lb_table_waiter(t, slot)->process;
        lb_queue_grant(t, slot, winner->member);
        lb_ledger_add_granted(t, winner->member, 1, winner->busy);
        if (winner->is_trial) {
            winner->is_usable = false;
            winner->turn = LB_NO_TURN;
        }
    }
    lb_ledger_unlock(t);
    return process;
}

size_t lb_admission_serve(lb_table_t *t, const lb_arena_t *arena)
{
    size_t served = 0;

    for (;;) {
        const uint32_t process = serve_one(t, arena);
        if (process == LB_NOBODY) {
            return served;
        }
        lb_ledger_ring(t, process);
        served++;
    }
}
