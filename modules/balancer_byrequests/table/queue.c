/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* queue.c - see queue.h. */
#include "queue.h"

#include "arrivals.h"
#include "invariant.h"
#include "lanes.h"

/* ---- Lines ----------------------------------------------------------------------------------- */

uint32_t lb_queue_line_of(const lb_table_t *t, const lb_waiter_t *w)
{
    return w->member == LB_NOBODY ? w->balancer : lb_table_line_of_member(t, w->member);
}

static lb_arrivals_t arrivals_of(lb_table_t *t, uint32_t line)
{
    lb_line_t *l = lb_table_line(t, line);
    return (lb_arrivals_t){ &l->first, &l->last, LB_IN_LINE };
}

static _Atomic uint32_t *count_of(lb_table_t *t, uint32_t line)
{
    return line < t->balancer_count ? &lb_table_balancer(t, line)->waiting
                                    : &lb_table_member(t, line - t->balancer_count)->waiting;
}

static bool is_used(lb_table_t *t, uint32_t line)
{
    return line < t->balancer_count
               ? atomic_load(&lb_table_balancer(t, line)->key) != 0
               : atomic_load(&lb_table_member(t, line - t->balancer_count)->key) != 0;
}

static void add_to_count(_Atomic uint32_t *count, uint32_t by)
{
    /* only the lock's owner writes */
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + by,
                          memory_order_relaxed);
}

static void enter(lb_table_t *t, uint32_t slot)
{
    lb_waiter_t *w = lb_table_waiter(t, slot);
    const uint32_t line = lb_queue_line_of(t, w);

    w->lane = lb_lanes_of(t, line, w, true);
    lb_lanes_enter(t, line, slot);
    lb_arrivals_add(t, arrivals_of(t, line), slot);
    add_to_count(count_of(t, line), 1);
}

static void leave(lb_table_t *t, uint32_t slot, bool was_served)
{
    const uint32_t line = lb_queue_line_of(t, lb_table_waiter(t, slot));

    lb_lanes_leave(t, line, slot, was_served);
    lb_arrivals_remove(t, arrivals_of(t, line), slot);
    add_to_count(count_of(t, line), UINT32_MAX);
}

/* ---- Slots ----------------------------------------------------------------------------------- */

static uint32_t free_slot(lb_table_t *t)
{
    if (t->free_waiter != LB_NOBODY) {
        const uint32_t slot = t->free_waiter;
        t->free_waiter = lb_table_waiter(t, slot)->next[0];
        return slot;
    }
    return t->waiters_used < t->waiter_count ? t->waiters_used++ : LB_NOBODY;
}

static void free_up(lb_table_t *t, uint32_t slot)
{
    lb_table_waiter(t, slot)->next[0] = t->free_waiter;
    t->free_waiter = slot;
}

uint32_t lb_queue_add(lb_table_t *t, const lb_waiter_t *request)
{
    const uint32_t slot = free_slot(t);
    if (slot == LB_NOBODY) {
        return slot;
    }
    lb_waiter_t *w = lb_table_waiter(t, slot);
    w->sequence = t->sequence++;
    w->since = request->since;
    w->flow = request->flow;
    w->priority = request->priority < LB_PRIORITIES ? request->priority : LB_PRIORITIES - 1;
    w->process = request->process;
    w->balancer = request->balancer;
    w->member = request->member;
    w->patience = request->patience;
    for (int i = 0; i < LB_TRIED_MAX; i++) {
        w->tried[i] = request->tried[i];
    }
    atomic_store(&w->state, LB_SLOT_WAITING);
    enter(t, slot);
    return slot;
}

void lb_queue_remove(lb_table_t *t, uint32_t slot)
{
    lb_waiter_t *w = lb_table_waiter(t, slot);

    if (atomic_load(&w->state) == LB_SLOT_WAITING) {
        leave(t, slot, false);
    }
    atomic_store(&w->state, LB_SLOT_FREE);
    free_up(t, slot);
}

void lb_queue_remove_all_of(lb_table_t *t, uint32_t process)
{
    for (uint32_t i = 0; i < t->waiters_used; i++) {
        const lb_waiter_t *w = lb_table_waiter(t, i);
        if (atomic_load(&w->state) != LB_SLOT_FREE && w->process == process) {
            lb_queue_remove(t, i);
        }
    }
}

/* ---- Whose turn ------------------------------------------------------------------------------ */

bool lb_queue_is_before(const lb_waiter_t *a, const lb_waiter_t *b)
{
    return a->priority != b->priority ? a->priority < b->priority : a->sequence < b->sequence;
}

uint32_t lb_queue_first(lb_table_t *t, uint32_t line, int64_t old_before)
{
    return lb_lanes_first(t, line, old_before);
}

uint32_t lb_queue_after(lb_table_t *t, uint32_t slot, int64_t old_before)
{
    return lb_lanes_after(t, lb_queue_line_of(t, lb_table_waiter(t, slot)), slot, old_before);
}

bool lb_queue_is_newest_first(lb_table_t *t, uint32_t slot, int64_t old_before)
{
    return lb_lanes_is_newest_first(t, lb_table_waiter(t, slot)->lane, old_before);
}

uint32_t lb_queue_least_below(lb_table_t *t, uint32_t line, uint32_t priority)
{
    return lb_lanes_least_below(t, line, priority);
}

uint64_t lb_queue_count_up_to(lb_table_t *t, uint32_t line, uint32_t priority)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i <= priority && i < LB_PRIORITIES; i++) {
        count += lb_table_line(t, line)->priorities[i].waiting;
    }
    return count;
}

uint64_t lb_queue_ahead(lb_table_t *t, const lb_waiter_t *request, bool newest_first)
{
    const uint32_t line = lb_queue_line_of(t, request);
    const lb_priority_t *p = &lb_table_line(t, line)->priorities[request->priority];
    const uint64_t up_to_this = lb_queue_count_up_to(t, line, request->priority);
    const uint64_t before_this = up_to_this - p->waiting;
    const uint32_t lane = lb_lanes_of(t, line, request, false);

    if (newest_first || lane == LB_NOBODY) {
        return before_this;
    }
    /* each of its own flow costs a round at most */
    const uint64_t rounds = (uint64_t)lb_table_lane(t, lane)->waiting * p->lanes;
    return before_this + (rounds < p->waiting ? rounds : p->waiting);
}

void lb_queue_grant(lb_table_t *t, uint32_t slot, uint32_t member)
{
    lb_waiter_t *w = lb_table_waiter(t, slot);

    leave(t, slot, true);
    w->granted = member;
    atomic_store(&w->state, LB_SLOT_GRANTED);
}

void lb_queue_refuse(lb_table_t *t, uint32_t slot, uint32_t state)
{
    leave(t, slot, false);
    atomic_store(&lb_table_waiter(t, slot)->state, state);
}

static void note_tried(lb_waiter_t *w, uint32_t member)
{
    int i = 0;

    while (i < LB_TRIED_MAX - 1 && w->tried[i] != LB_NOBODY) {
        i++;
    }
    w->tried[i] = member;    /* when all are taken, in the place of the last */
}

void lb_queue_take_back(lb_table_t *t, uint32_t slot, bool for_good)
{
    lb_waiter_t *w = lb_table_waiter(t, slot);

    if (for_good) {
        note_tried(w, w->granted);
    }
    atomic_store(&w->state, LB_SLOT_WAITING);
    enter(t, slot);
    lb_lanes_give_turn_back(t, lb_queue_line_of(t, w), w->priority, w->lane);
}

void lb_queue_widen(lb_table_t *t, uint32_t slot)
{
    lb_waiter_t *w = lb_table_waiter(t, slot);

    if (atomic_load(&w->state) == LB_SLOT_WAITING && w->member != LB_NOBODY) {
        leave(t, slot, false);
        w->member = LB_NOBODY;
        enter(t, slot);
    }
}

/* ---- From the slots alone -------------------------------------------------------------------- */

void lb_queue_rebuild(lb_table_t *t)
{
    for (uint32_t line = 0; line < lb_table_lines(t); line++) {
        if (is_used(t, line)) {
            lb_table_clear_line(t, line);
            atomic_store(count_of(t, line), 0);
        }
    }
    lb_lanes_clear_flows(t);
    t->free_waiter = LB_NOBODY;
    for (uint32_t i = 0; i < t->waiters_used; i++) {
        switch (atomic_load(&lb_table_waiter(t, i)->state)) {
        case LB_SLOT_WAITING:
            enter(t, i);
            break;
        case LB_SLOT_FREE:
            free_up(t, i);
            break;
        default:
            break;    /* granted or refused: in no line */
        }
    }
}

/* ---- Invariants ------------------------------------------------------------------------------ */

static uint32_t check_lines(lb_table_t *t)
{
    uint32_t waiting = 0;

    for (uint32_t line = 0; line < lb_table_lines(t); line++) {
        if (is_used(t, line)) {
            const uint32_t count = atomic_load(count_of(t, line));
            FC_INVARIANT(lb_arrivals_check(t, arrivals_of(t, line)) == count);
            FC_INVARIANT(lb_lanes_check(t, line) == count);
            waiting += count;
        }
    }
    return waiting;
}

static uint32_t check_free_ones(lb_table_t *t)
{
    uint32_t count = 0;

    for (uint32_t i = t->free_waiter; i != LB_NOBODY; i = lb_table_waiter(t, i)->next[0]) {
        FC_INVARIANT(i < t->waiters_used && ++count <= t->waiters_used);
        FC_INVARIANT(atomic_load(&lb_table_waiter(t, i)->state) == LB_SLOT_FREE);
    }
    return count;
}

void lb_queue_check(lb_table_t *t)
{
    uint32_t waiting = check_lines(t), free_ones = check_free_ones(t);

    FC_INVARIANT(t->waiters_used <= t->waiter_count);
    for (uint32_t i = 0; i < t->waiters_used; i++) {
        const lb_waiter_t *w = lb_table_waiter(t, i);
        const uint32_t state = atomic_load(&w->state);
        waiting -= state == LB_SLOT_WAITING;
        free_ones -= state == LB_SLOT_FREE;
        FC_INVARIANT(state <= LB_SLOT_LATE);
        FC_INVARIANT(state != LB_SLOT_WAITING
                     || w->lane == lb_lanes_of(t, lb_queue_line_of(t, w), w, false)
                     || w->lane < lb_table_flow_lane(t, 0));
    }
    FC_INVARIANT(waiting == 0 && free_ones == 0);
}
