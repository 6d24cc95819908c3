/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* wall_clock.h - moments of the monotonic clock as times of day, to show them and to write them
 *                down.
 * Knows    by how much the two clocks differ: one number for all processes, so that a moment is the
 *          same time of day in each of them and whenever it is asked for; another number only when
 *          somebody has set the clock.
 * Memory   one word of shared memory of the process pool.   Threads: any, in any process. */
#ifndef LB_WALL_CLOCK_H
#define LB_WALL_CLOCK_H

#include <stdbool.h>

#include "httpd.h"

/** In the parent, before it is asked.
 *  returns  false when there is no memory (logged) */
bool lb_wall_clock_open(server_rec *main);

/** The time of day of a moment; 0, which stands for never, is 0. */
apr_time_t lb_wall_clock_of(apr_time_t moment);

/** And back. */
apr_time_t lb_wall_clock_moment(apr_time_t time_of_day);

#endif
