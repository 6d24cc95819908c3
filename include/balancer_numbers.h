/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* balancer_numbers.h - what is counted and measured of members and balancers.
 * Knows    the unit of each: durations are us.
 * Ignores  httpd: plain C11. */
#ifndef BALANCER_NUMBERS_H
#define BALANCER_NUMBERS_H

#include <stdint.h>

#include "balancer_outcome.h"

/* The highest that a limit may be set to, and one that is what PHP-FPM says. */
#define LB_LIMIT_MAX  1000000
#define LB_LIMIT_AUTO (LB_LIMIT_MAX + 1)

/* How PHP-FPM runs its children. */
typedef enum {
    LB_PM_UNKNOWN,
    LB_PM_STATIC,
    LB_PM_DYNAMIC,
    LB_PM_ONDEMAND
} lb_pm_t;

/* What one try took. */
typedef struct {
    int http_status;                   /* of the member's answer; 0: it gave none */
    int64_t connect;       /* us, with the TLS handshake; -1: a kept connection */
    int64_t first_byte;    /* us from connected to the first byte; -1: none came */
    int64_t whole;         /* us from the begin of the try to its end */
    const char *trace_id;  /* 32 lower-case hexadecimal digits, of a sampled trace; NULL: none */
    int64_t ended;         /* monotonic us; only with trace_id */
} lb_measures_t;

/* How long something took, in buckets: 1, 2 and 5 of each power of ten from 100 us to 100 s. */
#define LB_HISTOGRAM_BUCKETS 20

/** The upper bounds of the buckets, us; the last has none: INT64_MAX. */
static inline int64_t lb_histogram_bound(int bucket)
{
    static const int64_t steps[] = { 1, 2, 5 };
    int64_t bound = 100;

    for (int decade = bucket / 3; decade > 0; decade--) {
        bound *= 10;
    }
    return bucket < LB_HISTOGRAM_BUCKETS - 1 ? bound * steps[bucket % 3] : INT64_MAX;
}

typedef struct {
    uint64_t buckets[LB_HISTOGRAM_BUCKETS];       /* each for itself, not cumulative */
    uint64_t sum;              /* us */
} lb_histogram_t;

/* What of a try has a histogram. */
typedef enum {
    LB_TIME_QUEUE,
    LB_TIME_CONNECT,
    LB_TIME_FIRST_BYTE,
    LB_TIME_WHOLE,
    LB_TIME_COUNT
} lb_time_t;

/* One try that fell into a bucket, and its trace. */
typedef struct {
    int64_t at;            /* us since the epoch; 0: there is none */
    int64_t took;          /* us */
    uint64_t trace[2];     /* the id, its first half first */
} lb_exemplar_t;

/* Those of a member's histograms, in shared memory: see lb_exemplars_read. */
typedef struct lb_exemplars_t lb_exemplars_t;

/* What is counted of a member; it never falls. */
typedef struct {
    uint64_t elected;          /* elections that led to a try */
    uint64_t failures;         /* tries that ended in the member's failure */
    uint64_t bytes_sent;       /* to the member */
    uint64_t bytes_read;       /* from the member */
    uint64_t responses[6];     /* by class: [2] for 200 to 299; [0]: tries without an answer */
    uint64_t ends[LB_OUTCOME_COUNT];          /* tries by lb_outcome_t */
    uint64_t state_changes;    /* from one state to another; a trial is part of the error */
    uint64_t outages;          /* of these: it went out of service because it failed */
    uint64_t downtime;         /* us in such outages, the one under way too */
    lb_histogram_t queue_times;    /* of requests that waited in the queue and came here */
    lb_histogram_t connect_times;  /* of new connections */
    lb_histogram_t first_byte_times, whole_times;
} lb_counted_t;

/* The last minute; rates are per second. */
typedef struct {
    double requests;
    double failures;           /* tries that failed, or were answered with 5xx */
    double server_errors;      /* of these: answered with 5xx */
    double refused;            /* of a balancer: requests that got no member, and are no try */
    int64_t p50, p95, p99, mean;  /* of the first byte, us; -1: there was none */
} lb_recent_t;

/* One point of a balancer's past. */
typedef struct {
    int64_t at;
    double requests, failures, server_errors, refused;    /* as above, since the point before */
    uint32_t in_flight, queued;
    int64_t p50, p95;             /* of the first byte, us; -1: there was none */
} lb_sample_t;

#endif
