/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* histogram.h - histograms of durations: into which bucket one falls.
 * Knows    the contract's buckets (lb_histogram_bound).
 * Ignores  what is measured, and where it is counted (counters.h); percentiles (fine_histogram.h).
 * Memory   none.   Threads: any, no state. */
#ifndef LB_HISTOGRAM_H
#define LB_HISTOGRAM_H

#include "balancer_numbers.h"

/** The bucket of a duration: the first whose bound is not below it.
 *  took   us, 0 or more */
int lb_histogram_bucket(int64_t took);

#endif
