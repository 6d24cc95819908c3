/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* source.h - a source of members: a BalancerMember line with discover=, which is no member itself,
 *            but what its members are made after.
 * Knows    which lines are sources; what all processes share of one.
 * Ignores  DNS, who its members are (roster.h).
 * Memory   pconf; the rows are the roster's, in shared memory.
 * Threads  a row is written by the one process that has the duty, and by the parent at start; any
 *          reads. */
#ifndef LB_SOURCE_H
#define LB_SOURCE_H

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>

#include "discover_params.h"

/* Times are monotonic us; 0: never. */
typedef struct {
    _Atomic uint64_t queries, failures, changes;    /* as in lb_source_view_t */
    _Atomic int64_t state_since, answered_at, next_at;
    _Atomic int64_t empty_since;              /* see discovery_rules.h */
    _Atomic uint32_t failures_in_a_row;
    _Atomic uint32_t state;                   /* lb_source_state_t */
    _Atomic uint32_t addresses, dropped;      /* of the last answer that had any */
    _Atomic uint32_t ttl;                     /* s, of the last answer */
    _Atomic uint32_t told;                    /* see discovery_log.c */
    char error[24];                           /* of the last query; "": none */
} lb_source_row_t;
static_assert(sizeof(lb_source_row_t) == 104, "fixed width");

typedef struct {
    proxy_worker *template; /* it is in no array of workers, and gets no request */
    const lb_discover_params_t *params;
    lb_source_row_t *row;                     /* set by lb_roster_make() */
} lb_source_t;

/** In the parent, at start: take the sources out of a balancer's workers.
 *  returns  of lb_source_t */
apr_array_header_t *lb_source_take_all(apr_pool_t *pconf, const proxy_balancer *proxy);

/** Slots that a balancer needs for them. */
int lb_source_slots(const apr_array_header_t *workers);

/** The worker of one of them; NULL: there is none. */
static inline proxy_worker *lb_source_any(const apr_array_header_t *sources)
{
    return sources->nelts > 0 ? APR_ARRAY_IDX(sources, 0, lb_source_t).template : NULL;
}

/** The name of a source, as it is written. */
static inline const char *lb_source_name(const lb_source_t *source)
{
    return source->template->s->name_ex;
}

#endif
