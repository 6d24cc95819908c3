/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* times.h - histograms of durations: into which bucket one falls.
 * Knows    the contract's buckets (lb_times_bound).
 * Ignores  what is measured, and where it is counted (measures.h); percentiles (fine_times.h).
 * Memory   none.   Threads: any, no state. */
#ifndef LB_TIMES_H
#define LB_TIMES_H

#include "mod_balancer_byrequests.h"

/** The bucket of a duration: the first whose bound is not below it.
 *  took   us, 0 or more */
int lb_times_bucket(int64_t took);

/** How many durations are in there? */
uint64_t lb_times_count(const uint64_t *buckets);

#endif
