/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* samples.h - the last minutes of balancers and members, from samples that are made every two
 *             seconds.
 * Knows    the samples of a balancer and the marks of its members (counters.h); rates, percentiles.
 * Ignores  who makes the samples (accounting.c), the clock.
 * Memory   the rooms of the shared table.
 * Threads  any may read; one makes a sample, see lb_samples_is_due().
 *
 * Invariants: sample n of a balancer and mark n of each of its members belong together; they are
 * there when `samples` is more than n. Mark n is written over with mark n + LB_MARKS, so the last
 * 30 are not touched while the next one is being made. */
#ifndef LB_SAMPLES_H
#define LB_SAMPLES_H

#include "counters.h"

#define LB_SAMPLE_US     (2 * 1000 * 1000)
#define LB_PAST_SAMPLES  150          /* five minutes */
#define LB_RECENT_MARKS  30           /* a minute */
#define LB_RECENT_LEAST_US (1000 * 1000)      /* in the first moment: a rate of three is none */

/* What came between two moments. */
typedef struct {
    uint64_t requests, failures, server_errors, first_byte_us;
    uint64_t first_byte[LB_FINE_BUCKETS];
} lb_gain_t;

/** Is a sample due? Of all processes that ask, one gets a true: that one makes it.
 *  now   monotonic us */
bool lb_samples_is_due(lb_balancer_room_t *room, int64_t now);

/** Mark where the counts of a member are, and add to `gain` what came since the mark before. */
void lb_samples_mark(const lb_balancer_room_t *balancer, lb_member_room_t *room, lb_gain_t *gain);

/** The sample is complete: `gain` of all members since the one before. */
void lb_samples_add_sample(lb_balancer_room_t *room, int64_t now, const lb_gain_t *gain,
                           uint32_t in_flight, uint32_t queued);

/** All marks of a member that was away are where its counts are: nothing came in that time. */
void lb_samples_level(lb_member_room_t *room);

/** The mark that the last minute is counted from. */
const lb_mark_t *lb_samples_minute_ago(const lb_balancer_room_t *balancer,
                                       const lb_member_room_t *room);

/** How many requests of the balancer got no member in the last minute. */
uint64_t lb_samples_refused_lately(const lb_balancer_room_t *room);

/** Add to `gain` what came in the last minute.
 *  returns  how long ago it began, us; 0: there is no sample yet */
int64_t lb_samples_gain_lately(const lb_balancer_room_t *balancer, const lb_member_room_t *room,
                               int64_t now, lb_gain_t *gain);

/** Add one to the other. */
void lb_samples_add_gain(lb_gain_t *gain, const lb_gain_t *more);

/** A rate of the last minute.
 *  took   us; less than a second counts as one */
double lb_samples_per_second(uint64_t count, int64_t took);

/** Rates and percentiles of what came in so long.
 *  took   us; less than a second counts as one */
lb_recent_t lb_samples_recent(const lb_gain_t *gain, int64_t took);

/** The samples as rates, oldest first.
 *  returns  how many: up to LB_PAST_SAMPLES */
int lb_samples_copy(const lb_balancer_room_t *room, lb_sample_t *samples);

/** A member's own of the last minute, likewise; in_flight and queued are 0: nobody keeps them.
 *  samples  room for LB_RECENT_MARKS */
int lb_samples_copy_member(const lb_balancer_room_t *balancer, const lb_member_room_t *room,
                           lb_sample_t *samples);

#endif
