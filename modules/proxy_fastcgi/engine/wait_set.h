/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* wait_set.h - one descriptor that is readable when anything came that a request waits for.
 * Knows    epoll of Linux.
 * Ignores  who polls the set; whether the client has gone, and time (watcher.h).
 * Memory   one descriptor for each; some are kept for the next request.
 * Threads  one at a time for each set; any to take and give back. Another one may wake its owner by
 *          a pebble, between arming and disarming, and sees to it that this is so.
 *
 * A set stays with a connection to a backend from one wait to the next, so that only the first wait
 * costs a call. Closing the connection takes it out.
 *
 * Invariants (fcgi_wait_set_check): what is kept holds nothing; what is with a connection holds
 * that; what is armed the client besides, if it is to be read or written, and at most one pebble.
 * What lives on in it as a copy of a descriptor that was closed belongs to an earlier life of the
 * set: fcgi_wait_set_look() knows it by that. */
#ifndef FCGI_WAIT_SET_H
#define FCGI_WAIT_SET_H

#include <stdbool.h>

#include "apr_pools.h"
#include "wait.h"

typedef struct fcgi_wait_set_t fcgi_wait_set_t;

/** In a child. */
void fcgi_wait_set_start(apr_pool_t *pchild);

/** Have a set watch what `wait` says, but for what the watcher does: the one in *wait->home, where
 *  a new one stays.
 *  returns  NULL: it watches nothing, and *wait->home is NULL, too */
fcgi_wait_set_t *fcgi_wait_set_arm(const fcgi_wait_t *wait);

/** What came, of what was waited for; 0 for a pebble, or nothing.
 *  set      becomes another one, armed, when a copy in it would be heard for ever; or NULL */
unsigned fcgi_wait_set_look(fcgi_wait_set_t **set, const fcgi_wait_t *wait);

/** The wait is over. The set stays with a connection; without one it is given back. *set becomes
 *  NULL, and may be so before. */
void fcgi_wait_set_disarm(fcgi_wait_set_t **set, const fcgi_wait_t *wait);

/** The connection that it was with is closed; *set becomes NULL, and may be so before. */
void fcgi_wait_set_leave(fcgi_wait_set_t **set);

/** Make an armed set readable until it is disarmed, whatever is in it; a second time does nothing.
 *  returns  false: there is no descriptor left */
bool fcgi_wait_set_throw_pebble(fcgi_wait_set_t *set);

/** The descriptor to poll. */
int fcgi_wait_set_fd(const fcgi_wait_set_t *set);

/** That descriptor was closed by somebody else. */
void fcgi_wait_set_forget_fd(fcgi_wait_set_t *set);

/** Do the invariants hold? See invariant.h; all of these ask on their way. */
void fcgi_wait_set_check(const fcgi_wait_set_t *set);

#endif
