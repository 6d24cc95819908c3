/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* retry_budget.h - how many requests may be sent again after they failed: one in FC_RETRY_SHARE of
 *                  the last 10 to 20 seconds, and a few more, so that what is down is not hit
 *                  twice as hard.
 * Ignores  which requests, and why (failover decides that).
 * Memory   the caller's.   Threads: one at a time. */
#ifndef FC_RETRY_BUDGET_H
#define FC_RETRY_BUDGET_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#define FC_RETRY_WINDOW_US (10 * 1000 * 1000)
#define FC_RETRY_SHARE     5
#define FC_RETRY_FREE      10

/* Fixed width: balancers have theirs in shared memory (member_table.h). */
typedef struct {
    int64_t since;                      /* monotonic us: when this window began */
    uint32_t tries, resends;             /* in this window */
    uint32_t tries_before, resends_before;    /* in the one before */
} fc_retry_budget_t;
static_assert(sizeof(fc_retry_budget_t) == 24, "fixed width");

/** A try has ended. */
void fc_retry_budget_count(fc_retry_budget_t *budget, int64_t now);

/** May one more be sent again? Then it is taken from the budget. */
bool fc_retry_budget_take(fc_retry_budget_t *budget, int64_t now);

/** How many may still be. */
uint32_t fc_retry_budget_left(const fc_retry_budget_t *budget, int64_t now);

#endif
