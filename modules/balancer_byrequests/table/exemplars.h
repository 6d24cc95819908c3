/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* exemplars.h - for each bucket of a member's histograms, the last sampled request that fell into
 *               it: from a slow bucket to the trace of a slow request.
 * Knows    that an exemplar is four words which nothing holds together but their check: of two
 *          who write the same one at the same time, and of one who dies while he writes, nothing is
 *          left that could be read.
 * Ignores  traces, the clock, who shows them.
 * Memory   a part of a member's room in the shared table (counters.h).
 * Threads  any, in any number of processes: relaxed atomics, no lock. */
#ifndef LB_EXEMPLARS_H
#define LB_EXEMPLARS_H

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>

#include "balancer_numbers.h"

/* Writer of all: any. */
typedef struct {
    _Atomic uint64_t trace[2];    /* the id */
    _Atomic int64_t at;          /* monotonic us */
    _Atomic uint32_t took;        /* us */
    _Atomic uint32_t check;       /* of all the others */
} lb_exemplar_room_t;
static_assert(sizeof(lb_exemplar_room_t) == 32, "half a cache line");

struct lb_exemplars_t {
    lb_exemplar_room_t of[LB_TIME_COUNT][LB_HISTOGRAM_BUCKETS];
};
static_assert(sizeof(lb_exemplars_t) == 2560, "40 cache lines");

/** The try is the exemplar of the bucket into which this time of it falls. One of more than an hour
 *  is none.
 *  took      us, 0 or more
 *  measures  of the try: with a trace_id */
void lb_exemplars_note(lb_exemplars_t *exemplars, lb_time_t time, int64_t took,
                       const lb_measures_t *measures);

/** The exemplar of a bucket.
 *  returns  at: monotonic us; 0: there is none, or it is just being written */
lb_exemplar_t lb_exemplars_get(const lb_exemplars_t *exemplars, lb_time_t time, int bucket);

#endif
