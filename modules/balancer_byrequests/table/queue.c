/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* queue.c - see queue.h. */
#include "queue.h"

#include "invariant.h"

/* Where a list begins and ends. */
typedef struct {
    uint32_t *first, *last;
    _Atomic uint32_t *count;
} list_t;

static list_t list_of(lb_table_t *t, const lb_waiter_t *w)
{
    if (w->member == LB_NOBODY) {
        lb_balancer_row_t *row = lb_table_balancer(t, w->balancer);
        return (list_t){ &row->first, &row->last, &row->waiting };
    }
    lb_member_row_t *row = lb_table_member(t, w->member);
    return (list_t){ &row->first, &row->last, &row->waiting };
}

static void add_to_count(_Atomic uint32_t *count, uint32_t by)
{
    /* only the lock's owner writes */
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + by,
                          memory_order_relaxed);
}

bool lb_queue_is_before(const lb_waiter_t *a, const lb_waiter_t *b)
{
    return a->priority != b->priority ? a->priority < b->priority : a->sequence < b->sequence;
}

/* From the end of the list forward: nearly always it is the last. */
static void link_in_order(lb_table_t *t, uint32_t slot)
{
    lb_waiter_t *w = lb_table_waiter(t, slot);
    const list_t list = list_of(t, w);
    uint32_t before = *list.last;

    while (before != LB_NOBODY && lb_queue_is_before(w, lb_table_waiter(t, before))) {
        before = lb_table_waiter(t, before)->prev;
    }
    const uint32_t after = before == LB_NOBODY ? *list.first : lb_table_waiter(t, before)->next;
    w->prev = before;
    w->next = after;
    *(before == LB_NOBODY ? list.first : &lb_table_waiter(t, before)->next) = slot;
    *(after == LB_NOBODY ? list.last : &lb_table_waiter(t, after)->prev) = slot;
    add_to_count(list.count, 1);
}

static void unlink_slot(lb_table_t *t, const lb_waiter_t *w)
{
    const list_t list = list_of(t, w);

    *(w->prev == LB_NOBODY ? list.first : &lb_table_waiter(t, w->prev)->next) = w->next;
    *(w->next == LB_NOBODY ? list.last : &lb_table_waiter(t, w->next)->prev) = w->prev;
    add_to_count(list.count, UINT32_MAX);
}

static uint32_t free_slot(lb_table_t *t)
{
    if (t->free_waiter != LB_NOBODY) {
        const uint32_t slot = t->free_waiter;
        t->free_waiter = lb_table_waiter(t, slot)->next;
        return slot;
    }
    return t->waiters_used < t->waiter_count ? t->waiters_used++ : LB_NOBODY;
}

uint32_t lb_queue_add(lb_table_t *t, const lb_waiter_t *request)
{
    const uint32_t slot = free_slot(t);
    if (slot == LB_NOBODY) {
        return slot;
    }
    lb_waiter_t *w = lb_table_waiter(t, slot);
    w->sequence = t->sequence++;
    w->priority = request->priority;
    w->process = request->process;
    w->balancer = request->balancer;
    w->member = request->member;
    for (int i = 0; i < LB_TRIED_MAX; i++) {
        w->tried[i] = request->tried[i];
    }
    atomic_store(&w->state, LB_SLOT_WAITING);
    link_in_order(t, slot);
    return slot;
}

uint32_t lb_queue_first(lb_table_t *t, uint32_t balancer)
{
    return lb_table_balancer(t, balancer)->first;
}

uint32_t lb_queue_first_of_member(lb_table_t *t, uint32_t member)
{
    return lb_table_member(t, member)->first;
}

void lb_queue_grant(lb_table_t *t, uint32_t slot, uint32_t member)
{
    lb_waiter_t *w = lb_table_waiter(t, slot);

    unlink_slot(t, w);
    w->granted = member;
    atomic_store(&w->state, LB_SLOT_GRANTED);
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
    link_in_order(t, slot);
}

void lb_queue_widen(lb_table_t *t, uint32_t slot)
{
    lb_waiter_t *w = lb_table_waiter(t, slot);

    if (atomic_load(&w->state) == LB_SLOT_WAITING && w->member != LB_NOBODY) {
        unlink_slot(t, w);
        w->member = LB_NOBODY;
        link_in_order(t, slot);
    }
}

void lb_queue_remove(lb_table_t *t, uint32_t slot)
{
    lb_waiter_t *w = lb_table_waiter(t, slot);

    if (atomic_load(&w->state) == LB_SLOT_WAITING) {
        unlink_slot(t, w);
    }
    atomic_store(&w->state, LB_SLOT_FREE);
    w->next = t->free_waiter;
    t->free_waiter = slot;
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

void lb_queue_rebuild(lb_table_t *t)
{
    for (uint32_t i = 0; i < t->balancer_count; i++) {
        lb_balancer_row_t *row = lb_table_balancer(t, i);
        row->first = row->last = LB_NOBODY;
        atomic_store(&row->waiting, 0);
    }
    for (uint32_t i = 0; i < t->member_count; i++) {
        lb_member_row_t *row = lb_table_member(t, i);
        row->first = row->last = LB_NOBODY;
        atomic_store(&row->waiting, 0);
    }
    t->free_waiter = LB_NOBODY;
    for (uint32_t i = 0; i < t->waiters_used; i++) {
        lb_waiter_t *w = lb_table_waiter(t, i);
        switch (atomic_load(&w->state)) {
        case LB_SLOT_WAITING:
            link_in_order(t, i);
            break;
        case LB_SLOT_FREE:
            w->next = t->free_waiter;
            t->free_waiter = i;
            break;
        default:
            break;    /* granted: in no list */
        }
    }
}

/* ---- Invariants ------------------------------------------------------------------------------ */

/* Those of one list stand in their order, forward and backward, and are as many as it says.
 * returns  how many */
static uint32_t check_list(lb_table_t *t, list_t list, uint32_t balancer, uint32_t member)
{
    uint32_t count = 0, before = LB_NOBODY;

    for (uint32_t i = *list.first; i != LB_NOBODY; i = lb_table_waiter(t, i)->next) {
        const lb_waiter_t *w = lb_table_waiter(t, i);
        FC_INVARIANT(i < t->waiters_used && ++count <= t->waiters_used);    /* no circle */
        FC_INVARIANT(atomic_load(&w->state) == LB_SLOT_WAITING && w->prev == before);
        FC_INVARIANT(w->member == member && (member != LB_NOBODY || w->balancer == balancer));
        FC_INVARIANT(before == LB_NOBODY || lb_queue_is_before(lb_table_waiter(t, before), w));
        before = i;
    }
    FC_INVARIANT(*list.last == before && atomic_load(list.count) == count);
    return count;
}

static uint32_t check_lists(lb_table_t *t)
{
    uint32_t waiting = 0;

    for (uint32_t i = 0; i < t->balancer_count; i++) {
        if (atomic_load(&lb_table_balancer(t, i)->key) != 0) {
            const lb_waiter_t any = { .balancer = i, .member = LB_NOBODY };
            waiting += check_list(t, list_of(t, &any), i, LB_NOBODY);
        }
    }
    for (uint32_t i = 0; i < t->member_count; i++) {
        if (atomic_load(&lb_table_member(t, i)->key) != 0) {
            const lb_waiter_t session = { .member = i };
            waiting += check_list(t, list_of(t, &session), LB_NOBODY, i);
        }
    }
    return waiting;
}

static uint32_t check_free_ones(lb_table_t *t)
{
    uint32_t count = 0;

    for (uint32_t i = t->free_waiter; i != LB_NOBODY; i = lb_table_waiter(t, i)->next) {
        FC_INVARIANT(i < t->waiters_used && ++count <= t->waiters_used);
        FC_INVARIANT(atomic_load(&lb_table_waiter(t, i)->state) == LB_SLOT_FREE);
    }
    return count;
}

void lb_queue_check(lb_table_t *t)
{
    uint32_t waiting = check_lists(t), free_ones = check_free_ones(t);

    FC_INVARIANT(t->waiters_used <= t->waiter_count);
    for (uint32_t i = 0; i < t->waiters_used; i++) {
        const uint32_t state = atomic_load(&lb_table_waiter(t, i)->state);
        waiting -= state == LB_SLOT_WAITING;
        free_ones -= state == LB_SLOT_FREE;
        FC_INVARIANT(state <= LB_SLOT_GRANTED);
    }
    FC_INVARIANT(waiting == 0 && free_ones == 0);
}
