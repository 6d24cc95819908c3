/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* retry_budget.c - see retry_budget.h. */
#include "retry_budget.h"

/* The window that `now` lies in, with what is known of it. */
static lb_retry_budget_t at(const lb_retry_budget_t *budget, int64_t now)
{
    const int64_t age = now - budget->since;

    if (age < LB_RETRY_WINDOW_US) {
        return *budget;
    }
    if (age < 2 * LB_RETRY_WINDOW_US) {
        return (lb_retry_budget_t){ .since = budget->since + LB_RETRY_WINDOW_US,
                                    .tries_before = budget->tries,
                                    .resends_before = budget->resends };
    }
    return (lb_retry_budget_t){ .since = now };
}

static uint32_t left(const lb_retry_budget_t *budget)
{
    const uint64_t all = LB_RETRY_FREE
                         + ((uint64_t)budget->tries + budget->tries_before) / LB_RETRY_SHARE;
    const uint64_t used = (uint64_t)budget->resends + budget->resends_before;
    return used < all ? (uint32_t)(all - used) : 0;
}

static void go_on(lb_retry_budget_t *budget, int64_t now)
{
    if (now - budget->since >= LB_RETRY_WINDOW_US) {
        *budget = at(budget, now);
    }
}

void lb_retry_budget_count(lb_retry_budget_t *budget, int64_t now)
{
    go_on(budget, now);
    budget->tries++;
}

bool lb_retry_budget_take(lb_retry_budget_t *budget, int64_t now)
{
    go_on(budget, now);
    if (left(budget) == 0) {
        return false;
    }
    budget->resends++;
    return true;
}

uint32_t lb_retry_budget_left(const lb_retry_budget_t *budget, int64_t now)
{
    const lb_retry_budget_t today = at(budget, now);
    return left(&today);
}
