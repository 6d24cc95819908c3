/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* park.h - a request that waits without a thread: the parked driver (event MPM of httpd 2.4.63
 *          and later).
 * Knows    the MPM's state ASYNC_WAITIO, and its hooks around it.
 * Ignores  what is waited for, and whether it is worth while (wait_policy.h).
 * Memory   c->pool for each connection.
 * Threads  any.
 *
 * How: the MPM polls the descriptor in the client's socket while a connection is in ASYNC_WAITIO.
 *  1. a handler arms a wait set (an epoll descriptor over the backend's), has the watcher mind the
 *     client and the time, and returns SUSPENDED;
 *  2. our process_connection hook, around all others, turns the state SUSPENDED that follows into
 *     ASYNC_WAITIO;
 *  3. just before the MPM polls, the suspend_connection hook puts the wait set in the place of the
 *     client's descriptor; resume_connection puts that back when a worker takes the connection up;
 *  4. process_connection is called again, and looks what came.
 *
 * Invariants (they run, see invariant.h): nobody but the MPM sees the wait set in the socket. A set
 * is armed, and the watcher may wake the request, only while that is parked. Only descriptors of
 * one request are in a wait set: the kernel allows 500 sets over one descriptor, and the MPM ends
 * the child at the 501st. */
#ifndef FCGI_PARK_H
#define FCGI_PARK_H

#include <stdbool.h>

#include "httpd.h"
#include "wait.h"

/** A worker has taken the request up.
 *  came     never 0
 *  returns  SUSPENDED when it was parked again; else the status with which the request ends */
typedef int fcgi_park_resume_t(request_rec *r, void *baton, unsigned came);

/** Why this request cannot be parked, in words; NULL: it can. */
const char *fcgi_park_obstacle(request_rec *r);

/** Park it until something comes.
 *  wait     the descriptors stay the caller's
 *  returns  true: the handler returns SUSPENDED; false: it cannot be parked */
bool fcgi_park_request(request_rec *r, const fcgi_wait_t *wait, fcgi_park_resume_t *resume,
                       void *baton);

/** How many requests of this process are parked now, and were at most; how many of all
 *  processes. */
int fcgi_park_count(void);
int fcgi_park_most(void);
int fcgi_park_total(void);

/** Does the process end? What requests that are still parked hold ends with it, and what it was
 *  taken from may be gone before them. */
bool fcgi_park_has_ended(void);

/** Can the MPM do it? In a child. */
bool fcgi_park_mpm_can(void);

/** In a child.
 *  max      requests parked at a time */
void fcgi_park_start(apr_pool_t *pchild, int max);

/** The hooks on connections. */
void fcgi_park_register_hooks(apr_pool_t *p);

#endif
