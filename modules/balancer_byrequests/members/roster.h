/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* roster.h - who sits in which slot of a balancer, while members come and go at run time.
 * Knows    the slots' generations, the members as configured, mod_proxy's worker arrays.
 * Ignores  who adds and removes (membership.c), elections, requests.
 * Memory   the slots: shared by the children of one httpd generation; the seats: each process's
 *          own, made anew from the slots (lb_roster_sync).
 *
 * Invariants: a slot is written by its balancer's global mutex holder only, with an odd generation,
 * and only when its owner has left and has nothing in flight. A new owner is a new generation; a
 * process that has not noticed still has a seat of the old generation, and lb_roster_admits() turns
 * its requests away: whoever has counted itself in flight and is then admitted keeps the slot from
 * being given away. Entries of mod_proxy's arrays are replaced in place, and arrays only grow. */
#ifndef LB_ROSTER_H
#define LB_ROSTER_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "mod_proxy.h"
#include "source.h"
#include "srv_order.h"

typedef struct {
    _Atomic uint32_t generation;      /* odd: it is being written; writer: mutex holder */
    _Atomic uint32_t origin;          /* 1 + index in configured, then in sources; 0: added at run
                                       * time */
    _Atomic int64_t leaves_since;    /* monotonic us: takes no new requests; 0: it stays */
    _Atomic uint64_t bytes_sent_seen, bytes_read_seen;    /* see member_counters.c; writer: any */

    /* Of a discovered member. */
    _Atomic int64_t missing_since;   /* monotonic us: see discovery_rules.h */
    _Atomic uint32_t given_set, given_lbfactor;    /* by its record: see srv_order.h */
} lb_slot_t;
static_assert(sizeof(lb_slot_t) == 48, "fixed width");

/* A member as the configuration has it. */
typedef struct {
    proxy_worker *worker;                 /* its parameters hold for the slot, also after a move */
    const proxy_worker_shared *values;
} lb_configured_t;

typedef struct {
    proxy_worker *worker;
    uint32_t generation;
} lb_seat_t;

typedef struct {
    int count;                            /* of slots */
    lb_slot_t *slots;
    lb_seat_t *seats;
    const lb_configured_t *configured;
    int configured_count;
    const lb_source_t *sources;
    int source_count;
    apr_pool_t *pool;                     /* for members that are made in this process; its child */
    apr_time_t seen;                      /* the balancer's wupdated at the last lb_roster_sync() */
} lb_roster_t;

/** In the parent, at start.
 *  configured   array of lb_configured_t, in pconf
 *  sources      array of lb_source_t, in pconf; they get their rows
 *  returns      NULL: no shared memory */
lb_roster_t *lb_roster_make(apr_pool_t *pconf, int slots, const apr_array_header_t *configured,
                            const apr_array_header_t *sources);

/** In the parent, at start: this member has this slot.
 *  origin   see lb_slot_t */
void lb_roster_seat(lb_roster_t *roster, proxy_worker *worker, uint32_t origin);

/** In a child. */
void lb_roster_child_init(lb_roster_t *roster, apr_pool_t *pchild);

/** Does this entry of the worker array stand for a member? Not when its slot was freed. */
bool lb_roster_lists(const lb_roster_t *roster, const proxy_worker *worker);

/** Is this still the member of its slot, and may it take requests? */
bool lb_roster_admits(const lb_roster_t *roster, const proxy_worker *worker);

/** Does it wait for its last requests, to be removed? */
bool lb_roster_leaves(const lb_roster_t *roster, const proxy_worker *worker);

/** The member in the configuration whose place it has; NULL: it came at run time. */
const lb_configured_t *lb_roster_configured(const lb_roster_t *roster, int slot);

/** The source of a discovered member; NULL: it is none. */
const lb_source_t *lb_roster_source(const lb_roster_t *roster, int slot);

/** The origin of the members of a source, see lb_slot_t. */
uint32_t lb_roster_origin_of(const lb_roster_t *roster, const lb_source_t *source);

/** See the members that another process added, moved or removed. Call it with the balancer's
 *  thread mutex held. */
void lb_roster_sync(lb_roster_t *roster, proxy_balancer *proxy, server_rec *s);

/** The invariants as code: those of this process's seats. */
void lb_roster_check(const lb_roster_t *roster);

#endif
