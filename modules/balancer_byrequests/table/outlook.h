/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* outlook.h - what a request that comes now has to expect of a balancer's queue.
 * Knows    whether a line stands (controlled_delay.h), how long a wait will be (wait_estimate.h),
 *          what the members that a request may get serve together.
 * Ignores  what follows from it (admission.c, serving.c), httpd, the clock.
 * Memory   the shared table.   Threads: all but lb_outlook_of() need the table's lock. */
#ifndef LB_OUTLOOK_H
#define LB_OUTLOOK_H

#include "arena.h"

/** How long the oldest in a line has waited.
 *  now      monotonic us, here and below
 *  returns  us; 0: nobody waits */
int64_t lb_outlook_oldest(lb_table_t *t, uint32_t line, int64_t now);

/** Look whether a line stands; whenever somebody comes or may be served. */
void lb_outlook_look(lb_table_t *t, uint32_t line, const lb_arena_t *arena, int64_t now);

/** From when on a flow is served newest first in a line; see lb_queue_first(). */
int64_t lb_outlook_old_before(lb_table_t *t, uint32_t line, const lb_arena_t *arena, int64_t now);

/** Will a request that comes now wait longer than its patience? Never without one.
 *  request  since, patience, priority, flow, balancer and member are read */
bool lb_outlook_is_hopeless(lb_table_t *t, const lb_waiter_t *request, const lb_arena_t *arena);

/* How it stands with a balancer's queue. */
typedef struct {
    int64_t estimate;        /* us that a request which comes now would wait behind all others */
    int64_t oldest;          /* us that the oldest has waited; 0: nobody waits */
    bool stands;             /* it gets more than it can serve in time */
    uint32_t retries_left;
    uint64_t resent, not_resent;      /* by the budget, since the balancer is there */
} lb_outlook_t;

/** Takes the lock. */
lb_outlook_t lb_outlook_of(lb_table_t *t, const lb_arena_t *arena, int64_t now);

#endif
