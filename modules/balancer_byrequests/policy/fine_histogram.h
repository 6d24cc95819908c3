/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fine_histogram.h - fine buckets of durations, eight to the octave, for percentiles that are right
 *                    to 6 %: those of the contract (histogram.h), which others see and sum up, are
 *                    too coarse.
 * Ignores  what is measured, and where it is counted (counters.h).
 * Memory   none.   Threads: any, no state. */
#ifndef LB_FINE_HISTOGRAM_H
#define LB_FINE_HISTOGRAM_H

#include <stdint.h>

/* From 32 us to 134 s; one for what is below, and one for what is above. */
#define LB_FINE_FIRST_BIT 5
#define LB_FINE_LAST_BIT  27
#define LB_FINE_STEPS     8
#define LB_FINE_BUCKETS   ((LB_FINE_LAST_BIT - LB_FINE_FIRST_BIT) * LB_FINE_STEPS + 2)

/** The bucket of a duration.
 *  took   us, 0 or more */
int lb_fine_histogram_bucket(int64_t took);

/** How many durations are in there? */
uint64_t lb_fine_histogram_count(const uint64_t *buckets);

/** The duration that so many percent do not exceed: the middle of its bucket, or the mean when all
 *  are in that one.
 *  count    of all durations, not 0: see above
 *  mean     of them, us */
int64_t lb_fine_histogram_percentile(const uint64_t *buckets, uint64_t count,
                                     int64_t mean, int percent);

#endif
