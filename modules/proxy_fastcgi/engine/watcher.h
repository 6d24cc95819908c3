/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* watcher.h - the thread that wakes a parked request whose client has gone, or whose time is up.
 * Knows    the clients that have parked a request, in one epoll set; all timers, in one heap.
 * Ignores  what else is waited for (wait_set.h), who takes the request up (park.h).
 * Memory   two descriptors and a thread for each process.
 * Threads  any; one at a time for each client.
 *
 * A client costs a call when it is watched first, and one at its end; a wait costs none.
 *
 * Invariants: the lock is held by whoever touches what is watched. A pebble is thrown into a set
 * between fcgi_watcher_arm() and fcgi_watcher_disarm() only, and an event is told to a client only
 * before fcgi_watcher_forget(). */
#ifndef FCGI_WATCHER_H
#define FCGI_WATCHER_H

#include <stdbool.h>
#include <stdint.h>

#include "apr_pools.h"
#include "timer_heap.h"
#include "wait_set.h"

/* One client's connection; all 0 at first. */
typedef struct {
    fcgi_timer_t timer;
    fcgi_wait_set_t *set;     /* of the request that waits; NULL: none does */
    bool is_watched;          /* it is in the epoll set */
    bool minds_client;        /* the request that waits does */
    uint32_t events;          /* watched for */
    uint32_t heard;           /* of these, up to now */
    int fd;
} fcgi_watched_t;

/** In a child: start the thread; it ends with `pchild`. */
apr_status_t fcgi_watcher_start(apr_pool_t *pchild);

/** Wake the request that waits with this set by a pebble, when its client goes or it is time.
 *  wait     what the set is armed for: names the client
 *  at       monotonic us; 0: never
 *  returns  false: it is not watched */
bool fcgi_watcher_arm(fcgi_watched_t *client, fcgi_wait_set_t *set, const fcgi_wait_t *wait,
                      apr_time_t at);

/** Wake it no more.
 *  returns  has its client gone? */
bool fcgi_watcher_disarm(fcgi_watched_t *client);

/** Before the client's descriptor is closed. */
void fcgi_watcher_forget(fcgi_watched_t *client);

#endif
