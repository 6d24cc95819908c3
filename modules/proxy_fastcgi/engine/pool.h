/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* pool.h - the connections to one backend that this process keeps for the next request.
 * Knows    stock's max, smax, ttl and acquire; our keepidle, idletimeout and maxuses.
 * Ignores  where the backend is, who may reuse.
 * Memory   the kept connections; they are closed with the pool that it was made in.
 * Threads  any; one thread of each process closes what was kept for too long.
 *
 * Invariants (fcgi_pool_check): a connection is either kept here or somebody's, never both; the
 * one kept last is first. in_use counts the rights that were taken and not yet given back; while
 * anybody waits for one, all are taken. Each kept connection is counted in connection_counts.h.
 *
 * A kept connection occupies one PHP-FPM child, also when it is idle. So that nobody starves:
 * - over all processes, more than keepidle of them live for a short grace only (a busy pool reuses
 *   them before that);
 * - while a request waits on a new connection for an answer, connections are closed, not kept;
 * - after maxuses requests a connection is closed, so that PHP-FPM's own queue moves. */
#ifndef FCGI_POOL_H
#define FCGI_POOL_H

#include <stdbool.h>

#include "apr_pools.h"
#include "connection.h"
#include "wait.h"

typedef struct fcgi_pool_t fcgi_pool_t;

typedef struct {
    int max;                        /* connections of this process at a time; 0: no limit */
    int smax;                       /* kept ones above it die after ttl; -1: all may stay */
    apr_interval_time_t ttl;        /* 0: for ever */
    apr_interval_time_t acquire;    /* how long to wait for one of max; 0: as long as it takes */
    apr_interval_time_t idletimeout;   /* 0: none */
    int keepidle;                   /* over all processes */
    unsigned int maxuses;           /* 0: no limit */
    int address;                    /* see fcgi_connection_counts_find() */
    /* Does nobody ask for a connection of this owner any more? Asked by the thread that closes what
     * was kept for too long; NULL: somebody always may */
    bool (*is_abandoned)(const void *owner);
    const void *owner;
} fcgi_pool_limits_t;

/** In a child: start the thread that closes what was kept for too long; it ends with `pchild`. */
apr_status_t fcgi_pool_start_reaper(apr_pool_t *pchild);

apr_status_t fcgi_pool_make(fcgi_pool_t **pool, const fcgi_pool_limits_t *limits, apr_pool_t *p);

/* One who waits for the right to a connection. */
typedef struct fcgi_pool_place_t fcgi_pool_place_t;
struct fcgi_pool_place_t {
    int bell;                       /* an eventfd: readable when the right was given */
    bool is_taken;                  /* somebody waits here, or has not yet looked */
    bool is_served;
    fcgi_pool_place_t *next;
};

/** Take the right to one connection, or a place among those who wait for one: first in, first out.
 *  place    stays where it is until fcgi_pool_end_waiting()
 *  returns  APR_SUCCESS; APR_EINPROGRESS: wait for place->bell; else there is no descriptor left */
apr_status_t fcgi_pool_enter(fcgi_pool_t *pool, fcgi_pool_place_t *place);

/** How long may one wait? us; negative: as long as it takes. */
apr_interval_time_t fcgi_pool_patience(const fcgi_pool_t *pool);

/** Give the place up; a second call does nothing.
 *  returns  was the right given, and is it held now? */
bool fcgi_pool_end_waiting(fcgi_pool_t *pool, fcgi_pool_place_t *place);

/** Give that right back. */
void fcgi_pool_leave(fcgi_pool_t *pool);

/** The kept connection to this place that was used last and is still good.
 *  socket   path of the unix socket, "" for TCP: one worker may stand for several sockets
 *  may_be_stale   one that was used a moment ago need not be looked at: it is called unproven
 *  returns  NULL when there is none */
fcgi_connection_t *fcgi_pool_take(fcgi_pool_t *pool, const char *socket, bool may_be_stale);

/** An unproven connection was closed or not quiet: look at all of them for some seconds. So a peer
 *  that ends its connections behind each answer gets few requests twice. */
void fcgi_pool_note_stale(fcgi_pool_t *pool);

/** Keep a connection for the next request, unless its time is over or somebody waits: then it is
 *  closed. *connection becomes NULL. */
void fcgi_pool_keep(fcgi_pool_t *pool, fcgi_connection_t **connection);

/** Do its invariants hold? See invariant.h; each call does so on its way. */
void fcgi_pool_check(fcgi_pool_t *pool);

/** A request on a new connection waits for its first byte (+1), or not any more (-1). */
void fcgi_pool_note_waiting(fcgi_pool_t *pool, int by);

#endif
