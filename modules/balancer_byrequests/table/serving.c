/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* serving.c - see serving.h. */
#include "serving.h"

#include "outlook.h"
#include "queue.h"

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

/* Whose turn it is of those at the heads of two lines: with one priority, who came first. Only when
 * the newest go first in both it is who came last. */
typedef struct {
    uint32_t slot;
    bool is_newest;
} lb_head_t;

static bool is_before(lb_table_t *t, lb_head_t a, lb_head_t b)
{
    const lb_waiter_t *first = lb_table_waiter(t, a.slot), *second = lb_table_waiter(t, b.slot);

    return a.is_newest && b.is_newest && first->priority == second->priority
               ? first->sequence > second->sequence
               : lb_queue_is_before(first, second);
}

static void consider(lb_table_t *t, lb_head_t head, lb_head_t *best)
{
    if (best->slot == LB_NOBODY || is_before(t, head, *best)) {
        *best = head;
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
        if (c->member == w->member && c->is_usable && lb_table_has_place(row)) {
            lb_arena_add(arena, row, i, &n);
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
        if (c->turn < reach && c->turn <= turn && wants(w, c->member) && lb_table_has_place(row)) {
            n = c->turn < turn ? 0 : n;
            turn = c->turn;
            lb_arena_add(arena, row, i, &n);
        }
    }
    return n;
}

/* The first of those who wait for any member and can get one. Nearly always it is the first of all:
 * the others are only asked when that one has tried all that is free.
 * only_triers   nothing is free but for who has tried some
 * old           see lb_queue_first()
 * returns  LB_NOBODY when there is none */
static uint32_t first_to_serve(lb_table_t *t, const lb_arena_t *arena, bool only_triers,
                               int64_t old)
{
    uint32_t slot = lb_queue_first(t, arena->balancer, old);

    while (slot != LB_NOBODY) {
        const lb_waiter_t *w = lb_table_waiter(t, slot);
        if ((!only_triers || has_tried_any(w)) && candidates_for(t, arena, w) > 0) {
            return slot;
        }
        slot = lb_queue_after(t, slot, old);
    }
    return LB_NOBODY;
}

/* Of the sessions that wait for this member. */
static lb_head_t head_of_sessions(lb_table_t *t, const lb_arena_t *arena, uint32_t member,
                                  int64_t now)
{
    const uint32_t line = lb_table_line_of_member(t, member);
    const int64_t old = lb_outlook_old_before(t, line, arena, now);
    const uint32_t slot = lb_queue_first(t, line, old);
    return (lb_head_t){ slot, lb_queue_is_newest_first(t, slot, old) };
}

/* Whose turn is it?
 * returns  LB_NOBODY when nobody who waits can get anything */
static uint32_t next_in_turn(lb_table_t *t, const lb_arena_t *arena, int64_t now)
{
    const int64_t old = lb_outlook_old_before(t, arena->balancer, arena, now);
    lb_head_t best = { LB_NOBODY, false };
    bool any_is_open = false, any_is_free = false;

    for (size_t i = 0; i < arena->count; i++) {
        const lb_contender_t *c = &arena->contenders[i];
        const lb_member_row_t *row = lb_table_member(t, c->member);
        if (lb_table_has_place(row)) {
            any_is_open |= c->turn < arena->open;
            any_is_free |= c->turn != LB_NO_TURN;
            if (c->is_usable && lb_table_waiting_for(row) > 0) {
                consider(t, head_of_sessions(t, arena, c->member, now), &best);
            }
        }
    }
    if (any_is_free) {
        const uint32_t slot = first_to_serve(t, arena, !any_is_open, old);
        if (slot != LB_NOBODY) {
            consider(t, (lb_head_t){ slot, lb_queue_is_newest_first(t, slot, old) }, &best);
        }
    }
    return best.slot;
}

static void grant(lb_table_t *t, const lb_arena_t *arena, uint32_t slot)
{
    const lb_waiter_t *w = lb_table_waiter(t, slot);
    const size_t n = candidates_for(t, arena, w);
    lb_contender_t *winner = &arena->contenders[lb_arena_elect(t, arena, n)];

    lb_delay_count_served(&lb_table_line(t, lb_queue_line_of(t, w))->delay);
    lb_queue_grant(t, slot, winner->member);
    lb_ledger_add_granted(t, winner->member, 1, winner->busy);
    if (winner->is_trial) {
        winner->is_usable = false;
        winner->turn = LB_NO_TURN;
    }
}

/* returns  who has waited too long in this line; LB_NOBODY: nobody */
static uint32_t too_late_in(lb_table_t *t, const lb_arena_t *arena, uint32_t line, int64_t now)
{
    lb_outlook_look(t, line, arena, now);
    return lb_delay_is_too_late(&lb_table_line(t, line)->delay, &arena->queue,
                                lb_outlook_oldest(t, line, now))
               ? lb_table_line(t, line)->first
               : LB_NOBODY;
}

static uint32_t too_late(lb_table_t *t, const lb_arena_t *arena, int64_t now)
{
    uint32_t slot = too_late_in(t, arena, arena->balancer, now);

    for (size_t i = 0; i < arena->count && slot == LB_NOBODY; i++) {
        const uint32_t member = arena->contenders[i].member;
        if (lb_table_waiting_for(lb_table_member(t, member)) > 0) {
            slot = too_late_in(t, arena, lb_table_line_of_member(t, member), now);
        }
    }
    return slot;
}

/* Decide about one of those who wait.
 * served   counts those who were let in
 * returns  the process to tell; LB_NOBODY when there is nobody else to decide about */
static uint32_t decide_one(lb_table_t *t, const lb_arena_t *arena, int64_t now, size_t *served)
{
    uint32_t process = LB_NOBODY;

    lb_ledger_lock(t);
    const uint32_t late = too_late(t, arena, now);
    const uint32_t slot = late != LB_NOBODY ? late : next_in_turn(t, arena, now);
    if (slot != LB_NOBODY) {
        process = lb_table_waiter(t, slot)->process;
        if (late != LB_NOBODY) {
            lb_queue_refuse(t, slot, LB_SLOT_LATE);
        }
        else {
            grant(t, arena, slot);
            ++*served;
        }
    }
    lb_ledger_unlock(t);
    return process;
}

size_t lb_serving_let_in(lb_table_t *t, const lb_arena_t *arena, int64_t now)
{
    size_t served = 0;

    for (;;) {
        const uint32_t process = decide_one(t, arena, now, &served);
        if (process == LB_NOBODY) {
            return served;
        }
        lb_ledger_ring(t, process);
    }
}
