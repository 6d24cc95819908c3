/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* arrivals.c - see arrivals.h. */
#include "arrivals.h"

#include "invariant.h"

static uint64_t sequence_of(lb_table_t *t, uint32_t slot)
{
    return lb_table_waiter(t, slot)->sequence;
}

/* Who comes back was among the first; for all others it is looked for from the end. */
static uint32_t who_is_before(lb_table_t *t, lb_arrivals_t list, uint64_t sequence)
{
    uint32_t before = *list.last;

    if (before != LB_NOBODY && sequence < sequence_of(t, *list.first)) {
        return LB_NOBODY;
    }
    while (before != LB_NOBODY && sequence < sequence_of(t, before)) {
        before = lb_table_waiter(t, before)->prev[list.kind];
    }
    return before;
}

void lb_arrivals_add(lb_table_t *t, lb_arrivals_t list, uint32_t slot)
{
    lb_waiter_t *w = lb_table_waiter(t, slot);
    const int k = list.kind;
    const uint32_t before = who_is_before(t, list, w->sequence);
    const uint32_t after = before == LB_NOBODY ? *list.first : lb_table_waiter(t, before)->next[k];

    w->prev[k] = before;
    w->next[k] = after;
    *(before == LB_NOBODY ? list.first : &lb_table_waiter(t, before)->next[k]) = slot;
    *(after == LB_NOBODY ? list.last : &lb_table_waiter(t, after)->prev[k]) = slot;
}

void lb_arrivals_remove(lb_table_t *t, lb_arrivals_t list, uint32_t slot)
{
    const lb_waiter_t *w = lb_table_waiter(t, slot);
    const int k = list.kind;

    *(w->prev[k] == LB_NOBODY ? list.first : &lb_table_waiter(t, w->prev[k])->next[k]) =
        w->next[k];
    *(w->next[k] == LB_NOBODY ? list.last : &lb_table_waiter(t, w->next[k])->prev[k]) =
        w->prev[k];
}

uint32_t lb_arrivals_check(lb_table_t *t, lb_arrivals_t list)
{
    uint32_t count = 0, before = LB_NOBODY;

    for (uint32_t i = *list.first; i != LB_NOBODY; i = lb_table_waiter(t, i)->next[list.kind]) {
        FC_INVARIANT(i < t->waiters_used && ++count <= t->waiters_used);    /* no circle */
        FC_INVARIANT(lb_table_waiter(t, i)->prev[list.kind] == before);
        FC_INVARIANT(before == LB_NOBODY || sequence_of(t, before) < sequence_of(t, i));
        before = i;
    }
    FC_INVARIANT(*list.last == before);
    return count;
}
