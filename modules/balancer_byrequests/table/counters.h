/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* counters.h - what is counted of members and balancers: a part of the shared table's format.
 * Knows    the counters, and the copy of them that reset_counters makes: what is shown is counted
 *          minus copied, so the counters themselves never fall while a row has its owner.
 * Ignores  who measures (accounting.c), the last minutes (samples.h), httpd.
 * Memory   rooms in the shared table, one for each row of members and of balancers, at its index.
 * Threads  any, in any number of processes: relaxed atomic additions, no lock. A copy that is taken
 *          meanwhile may have one number of a try and not yet another.
 *
 * Invariant: of a histogram the count is the sum of its buckets; there is no other count. */
#ifndef LB_COUNTERS_H
#define LB_COUNTERS_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "balancer_numbers.h"
#include "exemplars.h"
#include "fine_histogram.h"

#define LB_CLASSES  6                 /* of responses */
#define LB_ENDS_MAX 32                /* room for those of lb_outcome_t */
#define LB_MARKS    32                /* see samples.h */
#define LB_SAMPLES  152
static_assert(LB_OUTCOME_COUNT <= LB_ENDS_MAX, "each end has its counter");

typedef struct {
    _Atomic uint64_t buckets[LB_HISTOGRAM_BUCKETS];
    _Atomic uint64_t sum;             /* us */
    uint64_t reserved[3];
} lb_times_room_t;
static_assert(sizeof(lb_times_room_t) == 192, "three cache lines");

/* Writer of all: any, adds. */
typedef struct {
    _Atomic uint64_t responses[LB_CLASSES];
    _Atomic uint64_t bytes_sent, bytes_read;
    _Atomic uint64_t ends[LB_ENDS_MAX];
    lb_times_room_t whole, first_byte, connect, queue;
    _Atomic uint64_t state_changes, outages;      /* see member_state.h */
    _Atomic uint64_t downtime;        /* us, without the outage under way */
    uint64_t reserved[5];
} lb_counters_t;
static_assert(sizeof(lb_counters_t) == 1152, "18 cache lines");

/* What the last minutes are told from, at one moment: counts that wrap, of tries that ended. See
 * samples.h */
typedef struct {
    _Atomic uint64_t first_byte_us;   /* sum of all times to the first byte */
    _Atomic uint32_t requests;
    _Atomic uint32_t failures;        /* of them: they failed, or were answered with 5xx */
    _Atomic uint32_t server_errors;   /* of these: answered with 5xx */
    uint32_t reserved;
    _Atomic uint32_t first_byte[LB_FINE_BUCKETS];
} lb_mark_t;
static_assert(sizeof(lb_mark_t) == 736, "fixed width");

/* One member. Beside it, in its row: elected and failures. */
typedef struct {
    _Atomic uint64_t forgotten;       /* elections that led to no try; writer: any, adds */
    _Atomic int64_t counted_since;   /* monotonic us; writer: who claims it, operator */
    _Atomic uint64_t was_reset;       /* 1: there is something before; writer: operator */
    _Atomic uint64_t elected_before, failures_before;     /* at the last reset; writer: operator */
    _Atomic int64_t down_since;      /* monotonic us: begin of its outage; 0: there is none; any */
    _Atomic int64_t down_counted;    /* so far downtime has it; any */
    _Atomic uint64_t has_exemplars;   /* 1: their memory is worth a look; writer: any */
    lb_counters_t counters;
    lb_counters_t before;             /* at the last reset; writer: operator */
    lb_mark_t now;                    /* writer: any, adds */
    lb_mark_t marks[LB_MARKS];        /* writer: see samples.h */
    uint64_t reserved_line[4];
    lb_exemplars_t exemplars;         /* writer: any. See exemplars.h */
} lb_member_room_t;
static_assert(sizeof(lb_member_room_t) % 64 == 0, "whole cache lines");

/* One moment of a balancer. Writer: see samples.h */
typedef struct {
    _Atomic int64_t at;              /* monotonic us */
    _Atomic uint32_t requests, failures;      /* since the sample before */
    _Atomic uint32_t server_errors, refused;      /* likewise */
    _Atomic uint32_t in_flight, queued;
    _Atomic int32_t p50, p95;        /* us, of the first byte since the sample before; -1: none */
} lb_sample_room_t;
static_assert(sizeof(lb_sample_room_t) == 40, "fixed width");

/* One balancer. */
typedef struct {
    _Atomic uint64_t refused[LB_ENDS_MAX];    /* requests that got no member; writer: any, adds */
    _Atomic uint64_t refused_before[LB_ENDS_MAX];     /* at the last reset; writer: operator */
    _Atomic int64_t counted_since;   /* as of a member */
    _Atomic int64_t sampled_at;      /* monotonic us; who moves it on makes the sample */
    _Atomic uint64_t samples;         /* how many were made */
    _Atomic uint64_t refused_seen;    /* at the last sample; writer: who makes it */
    uint64_t reserved[4];
    lb_sample_room_t ring[LB_SAMPLES];
} lb_balancer_room_t;
static_assert(sizeof(lb_balancer_room_t) % 64 == 0, "whole cache lines");

/** Count a try that ended.
 *  measures  NULL: nothing was measured, only its end is counted */
void lb_counters_add_try(lb_member_room_t *room, lb_outcome_t end, const lb_measures_t *measures);

/** Count a request that got its member after it had waited for so long in the queue. */
void lb_counters_add_wait(lb_member_room_t *room, int64_t waited);

/** Count a change of state, and with it an outage and its downtime.
 *  is_down  it is out of service because it failed */
void lb_counters_add_state(lb_member_room_t *room, bool is_down, int64_t now);

/** Take over the downtime of an outage that is under way. */
void lb_counters_fold_downtime(lb_member_room_t *room, int64_t now);

/** Count a request that got no member. */
void lb_counters_add_refusal(lb_balancer_room_t *room, lb_outcome_t end);

/** Requests that got no member, ever. */
uint64_t lb_counters_refused(const lb_balancer_room_t *room);

/** All that was counted while the row has its owner.
 *  elected, failures   of the member's row */
void lb_counters_copy(const lb_member_room_t *room, uint64_t elected, uint64_t failures,
                      lb_counted_t *all);

/** What of it was counted before the last reset. Ask before lb_counters_copy(): then it is never
 *  more.
 *  returns  false: it was never reset */
bool lb_counters_copy_before(const lb_member_room_t *room, lb_counted_t *before);

/** From what was counted, take what was counted before. */
void lb_counters_subtract(lb_counted_t *counted, const lb_counted_t *before);

/** From now on what was counted until now is "before".
 *  elected, failures   of the member's row
 *  now                 monotonic us */
void lb_counters_reset_member(lb_member_room_t *room, uint64_t elected, uint64_t failures,
                              int64_t now);
void lb_counters_reset_balancer(lb_balancer_room_t *room, int64_t now);

/** The room has another owner: everything is 0. */
void lb_counters_clear_member(lb_member_room_t *room);
void lb_counters_clear_balancer(lb_balancer_room_t *room);

#endif
