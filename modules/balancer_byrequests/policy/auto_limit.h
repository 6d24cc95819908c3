/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* auto_limit.h - maxinflight=auto: how many requests an FPM pool serves at a time, from what its
 *                status page says.
 * Knows    that FPM counts "max children reached" when the children that run are pm.max_children,
 *          and counts anew after a reload, which has another start time.
 * Ignores  how the page is read, what is done with the limit.
 * Memory   the caller's.   Threads: one at a time.
 *
 * pm = static runs all children all the time. The other two run as many as are needed, so their
 * number says nothing before they were needed once: then the most that ever ran or worked is the
 * size of the pool. It is never more than that, and follows when more are seen. */
#ifndef LB_AUTO_LIMIT_H
#define LB_AUTO_LIMIT_H

#include <assert.h>
#include <stdint.h>

#include "balancer_numbers.h"

/* One reading of the page; the names are FPM's. */
typedef struct {
    lb_pm_t process_manager;
    int64_t start_time;               /* s */
    uint32_t total_processes, active_processes, max_active_processes;
    uint32_t listen_queue;             /* connections that wait in the backlog */
    uint32_t max_children_reached;
} lb_pool_reading_t;

/* So many readings in a row show that more was sent than is served; so many that it is over. */
#define LB_SURPLUS_READINGS 3
#define LB_CLEAR_READINGS   10

/* What is known of one pool. All 0: nothing yet. Fixed width, for shared memory. */
typedef struct {
    int64_t start_time;
    uint32_t size;                     /* of the pool; 0: not known */
    uint32_t served_at_most;           /* lower: the surplus stood in the backlog; 0: no */
    uint32_t surplus_readings, clear_readings;    /* in a row */
} lb_auto_limit_t;
static_assert(sizeof(lb_auto_limit_t) == 24, "fixed width");

/** Take in one reading.
 *  in_flight   requests that we have there at the moment
 *  returns     the limit; 0: none yet */
uint32_t lb_auto_limit_read(lb_auto_limit_t *known, const lb_pool_reading_t *reading,
                            uint32_t in_flight);

/** The limit by the readings so far; 0: none. */
uint32_t lb_auto_limit_of(const lb_auto_limit_t *known);

#endif
