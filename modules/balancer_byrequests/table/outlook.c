/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* outlook.c - see outlook.h. */
#include "outlook.h"

#include "ledger.h"
#include "queue.h"

int64_t lb_outlook_oldest(lb_table_t *t, uint32_t line, int64_t now)
{
    const uint32_t oldest = lb_table_line(t, line)->first;
    const int64_t waited = oldest == LB_NOBODY ? 0 : now - lb_table_waiter(t, oldest)->since;
    return waited > 0 ? waited : 0;
}

void lb_outlook_look(lb_table_t *t, uint32_t line, const lb_arena_t *arena, int64_t now)
{
    lb_delay_look(&lb_table_line(t, line)->delay, &arena->queue, lb_outlook_oldest(t, line, now),
                  now);
}

int64_t lb_outlook_old_before(lb_table_t *t, uint32_t line, const lb_arena_t *arena, int64_t now)
{
    return lb_delay_old_before(&lb_table_line(t, line)->delay, &arena->queue, now);
}

static void add_capacity(lb_table_t *t, uint32_t member, int64_t now, lb_capacity_t *capacity)
{
    const lb_member_row_t *row = lb_table_member(t, member);
    const uint32_t limit = lb_table_limit_of(row), share = lb_table_share_of(row);

    if (share > 0) {
        lb_capacity_add(capacity, share < limit ? share : limit,
                        lb_service_mean(&row->service, now));
    }
}

/* Of the members that this request may get: a session's own, else all of the open turns. */
static lb_capacity_t capacity_for(lb_table_t *t, const lb_arena_t *arena, uint32_t only,
                                  int64_t now)
{
    lb_capacity_t capacity = { 0 };

    if (only != LB_NOBODY) {
        add_capacity(t, only, now, &capacity);
        return capacity;
    }
    for (size_t i = 0; i < arena->count; i++) {
        if (arena->contenders[i].turn < arena->open) {
            add_capacity(t, arena->contenders[i].member, now, &capacity);
        }
    }
    return capacity;
}

lb_outlook_t lb_outlook_of(lb_table_t *t, const lb_arena_t *arena, int64_t now)
{
    const uint32_t line = arena->balancer;
    const lb_balancer_row_t *row = lb_table_balancer(t, line);

    lb_ledger_lock(t);
    const lb_capacity_t capacity = capacity_for(t, arena, LB_NOBODY, now);
    const lb_outlook_t outlook = {
        .estimate = capacity.is_unlimited
                        ? 0
                        : lb_wait_estimate(lb_table_waiting_for_any(t, line), capacity.places,
                                           lb_capacity_mean(&capacity)),
        .oldest = lb_outlook_oldest(t, line, now),
        .stands = lb_table_line(t, line)->delay.stands != 0,
        .retries_left = fc_retry_budget_left(&row->retries, now),
        .resent = row->resent,
        .not_resent = row->not_resent,
    };
    lb_ledger_unlock(t);
    return outlook;
}

bool lb_outlook_is_hopeless(lb_table_t *t, const lb_waiter_t *request, const lb_arena_t *arena)
{
    if (request->patience == 0) {
        return false;
    }
    const lb_capacity_t capacity = capacity_for(t, arena, request->member, request->since);
    const bool newest_first =
        lb_outlook_old_before(t, lb_queue_line_of(t, request), arena, request->since)
        != LB_NEVER_NEWEST;
    return lb_wait_is_hopeless(lb_queue_ahead(t, request, newest_first), &capacity,
                               request->patience);
}
