/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* connection_counts.h - how many connections to a backend are kept idle, how many requests wait,
 *               over all processes of httpd.
 * Knows    what each process has added, by backend address, so that a dead process's share can be
 *          forgotten.
 * Ignores  connections themselves.
 * Memory   one anonymous shared segment, made before the children; it outlives restarts.
 * Threads  any, in any process; no lock.
 *
 * Invariants: a total is the sum of what the processes have added: there is no second number that a
 * process could die before changing. A dead one counts until somebody notices, within a second or
 * so. No process takes away more than it has added. */
#ifndef FCGI_CONNECTION_COUNTS_H
#define FCGI_CONNECTION_COUNTS_H

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

/** The number of a backend address, for the calls below; -1 when there is no table. With time there
 *  may be more addresses than numbers (members from DNS): then two share one, and are counted
 *  together. That keeps fewer connections than could be, and lets nobody starve. */
int fcgi_connection_counts_find(const char *address);

/** Add `by`, which may be negative; does nothing for address -1. */
void fcgi_connection_counts_add(int address, fcgi_connection_counts_t what, int by);

/** Of all processes; 0 for address -1. */
int fcgi_connection_counts_total(int address, fcgi_connection_counts_t what);

/** What this process has added; -1 when it counts nothing: address -1, not joined, no row. */
int fcgi_connection_counts_own(int address, fcgi_connection_counts_t what);

/** Take back what dead processes have left, at most once a second. */
void fcgi_connection_counts_bury_the_dead(void);

#endif
