/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* wait_set.h - one descriptor that is readable when anything came that a request waits for.
 * Knows    epoll and timers of Linux.
 * Ignores  who polls the set.
 * Memory   two descriptors for each; some are kept for the next request.
 * Threads  one at a time for each set; any to take and give back.
 *
 * A set stays with a client's connection from one wait to the next: the client stays in it, and its
 * timer goes on, so that a wait costs two calls: the backend in, and out.
 *
 * Invariants (fcgi_wait_set_check): what is kept holds but its timer; what is with a connection its
 * client besides; what is armed the backend, too. A descriptor that could not be taken out (it was
 * closed under us) may live on in the set as a copy: that set is thrown away. */
#ifndef FCGI_WAIT_SET_H
#define FCGI_WAIT_SET_H

#include <stdbool.h>

#include "apr_pools.h"
#include "wait.h"

typedef struct fcgi_wait_set_t fcgi_wait_set_t;

/** In a child. */
apr_status_t fcgi_wait_set_start(apr_pool_t *pchild);

/** Have a set watch what `wait` says.
 *  set      NULL: one is taken, which the caller gives back; NULL again when there is none
 *  at       when the set gets readable by itself at the latest, it may be sooner; monotonic us,
 *           0: never
 *  returns  false: it watches nothing, there is no set any more */
bool fcgi_wait_set_arm(fcgi_wait_set_t **set, const fcgi_wait_t *wait, apr_time_t at);

/** The wait goes on after the set got readable by itself. */
void fcgi_wait_set_timer(fcgi_wait_set_t *set, apr_time_t at);

/** What came, of what was waited for; 0 for the timer, or nothing. */
unsigned fcgi_wait_set_look(fcgi_wait_set_t *set, const fcgi_wait_t *wait);

/** The wait is over: the backend's descriptor is the caller's again, the client's stays. *set
 *  becomes NULL when it could not be taken out. */
void fcgi_wait_set_disarm(fcgi_wait_set_t **set, const fcgi_wait_t *wait);

/** The descriptor to poll. */
int fcgi_wait_set_fd(const fcgi_wait_set_t *set);

/** That descriptor was closed by somebody else. */
void fcgi_wait_set_forget_fd(fcgi_wait_set_t *set);

/** Do the invariants hold? See invariant.h; all of these ask on their way.
 *  wait     for which it is armed; NULL: for none */
void fcgi_wait_set_check(const fcgi_wait_set_t *set, const fcgi_wait_t *wait);

/** Take the client out of a set that is not armed, and give it back; *set becomes NULL, and may be
 *  so before. */
void fcgi_wait_set_give_back(fcgi_wait_set_t **set);

#endif
