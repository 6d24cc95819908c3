/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* connection_counts.h - how many connections to a backend are kept idle, how many requests wait,
 *               over all processes of httpd.
 * Knows    shared counters by backend address, and what each process has added to them, so that a
 *          dead process's share can be taken back.
 * Ignores  connections themselves.
 * Memory   one anonymous shared segment, made before the children; it outlives restarts.
 * Threads  any, in any process; no lock.
 *
 * Invariant: a total is the sum of what the living processes have added (within the second or so
 * until a dead one is noticed). A process adds to its own row first and takes away from it last. */
#ifndef FCGI_CONNECTION_COUNTS_H
#define FCGI_CONNECTION_COUNTS_H

#include <stdbool.h>

#include "apr_pools.h"

typedef enum {
    FCGI_COUNT_KEPT,       /* idle connections */
    FCGI_COUNT_WAITING,    /* requests that were sent on a new connection and have no answer */
    FCGI_COUNT_PARKED      /* see park.h; of all backends together */
} fcgi_connection_counts_t;

/** In the parent.
 *  process    the pool that outlives restarts
 *  processes  that can be alive at a time */
apr_status_t fcgi_connection_counts_open(apr_pool_t *process, int processes);

/** In a child: take a row, and give it back when `pchild` ends. The calling thread stands for its
 *  process: when it ends, the process counts as dead. */
void fcgi_connection_counts_join(apr_pool_t *pchild);

/** The number of a backend address, for the calls below; -1 when there is no room for more. */
int fcgi_connection_counts_find(const char *address);

/** Add `by`, which may be negative; does nothing for address -1. */
void fcgi_connection_counts_add(int address, fcgi_connection_counts_t what, int by);

/** The total; 0 for address -1. */
int fcgi_connection_counts_total(int address, fcgi_connection_counts_t what);

/** Take back what dead processes have left, at most once a second. */
void fcgi_connection_counts_bury_the_dead(void);

#endif
