/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* times.h - histograms of durations: into which bucket one falls, and what lies between buckets.
 * Knows    the contract's buckets (lb_times_bound).
 * Ignores  what is measured, and where it is counted (measures.h).
 * Memory   none.   Threads: any, no state. */
#ifndef LB_TIMES_H
#define LB_TIMES_H

#include "mod_balancer_byrequests.h"

/** The bucket of a duration: the first whose bound is not below it.
 *  took   us, 0 or more */
int lb_times_bucket(int64_t took);

/** How many durations are in there? */
uint64_t lb_times_count(const uint64_t *buckets);

/** The duration that so many percent do not exceed, as if those of a bucket lay evenly in it.
 *  returns  us; -1 when there are none; the lower bound of the last bucket for those in it */
apr_interval_time_t lb_times_percentile(const uint64_t *buckets, int percent);

#endif
