/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* retry_budget.c - see retry_budget.h. */
#include "retry_budget.h"

/* The window that `now` lies in, with what is known of it. */
static fc_retry_budget_t at(const fc_retry_budget_t *budget, int64_t now)
{
    const int64_t age = now - budget->since;

    if (age < FC_RETRY_WINDOW_US) {
        return *budget;
    }
    if (age < 2 * FC_RETRY_WINDOW_US) {
        return (fc_retry_budget_t){ .since = budget->since + FC_RETRY_WINDOW_US,
                                    .tries_before = budget->tries,
                                    .resends_before = budget->resends };
    }
    return (fc_retry_budget_t){ .since = now };
}

static uint32_t left(const fc_retry_budget_t *budget)
{
    const uint64_t all = FC_RETRY_FREE
                         + ((uint64_t)budget->tries + budget->tries_before) / FC_RETRY_SHARE;
    const uint64_t used = (uint64_t)budget->resends + budget->resends_before;
    return used < all ? (uint32_t)(all - used) : 0;
}

static void go_on(fc_retry_budget_t *budget, int64_t now)
{
    if (now - budget->since >= FC_RETRY_WINDOW_US) {
        *budget = at(budget, now);
    }
}

void fc_retry_budget_count(fc_retry_budget_t *budget, int64_t now)
{
    go_on(budget, now);
    budget->tries++;
}

bool fc_retry_budget_take(fc_retry_budget_t *budget, int64_t now)
{
    go_on(budget, now);
    if (left(budget) == 0) {
        return false;
    }
    budget->resends++;
    return true;
}

uint32_t fc_retry_budget_left(const fc_retry_budget_t *budget, int64_t now)
{
    const fc_retry_budget_t today = at(budget, now);
    return left(&today);
}
