/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* wait_set.h - one descriptor that is readable when anything came that a request waits for.
 * Knows    epoll and timers of Linux.
 * Ignores  who polls the set.
 * Memory   two descriptors for each; some are kept for the next request.
 * Threads  one at a time for each set; any to take and give back.
 *
 * Invariants (fcgi_wait_set_check): what is kept holds but its timer; what was taken holds the
 * descriptors of one wait besides. A descriptor that could not be taken out (it was closed under
 * us) may live on in the set as a copy: that set is thrown away. */
#ifndef FCGI_WAIT_SET_H
#define FCGI_WAIT_SET_H

#include "apr_pools.h"
#include "wait.h"

typedef struct fcgi_wait_set_t fcgi_wait_set_t;

/** In a child. */
apr_status_t fcgi_wait_set_start(apr_pool_t *pchild);

/** A set with the descriptors of `wait` in it.
 *  at       as for fcgi_wait_set_timer()
 *  returns  NULL when there is none */
fcgi_wait_set_t *fcgi_wait_set_take(const fcgi_wait_t *wait, apr_time_t at);

/** When the set gets readable by itself; monotonic us, 0: never. */
void fcgi_wait_set_timer(fcgi_wait_set_t *set, apr_time_t at);

/** What came, of what was waited for; 0 for the timer, or nothing. */
unsigned fcgi_wait_set_look(fcgi_wait_set_t *set, const fcgi_wait_t *wait);

/** The descriptor to poll. */
int fcgi_wait_set_fd(const fcgi_wait_set_t *set);

/** That descriptor was closed by somebody else. */
void fcgi_wait_set_forget_fd(fcgi_wait_set_t *set);

/** Do the invariants hold? See invariant.h; taking and giving back ask on their way.
 *  wait     that it was taken for */
void fcgi_wait_set_check(const fcgi_wait_set_t *set, const fcgi_wait_t *wait);

/** Take the descriptors out, and give the set back; *set becomes NULL. */
void fcgi_wait_set_give_back(fcgi_wait_set_t **set, const fcgi_wait_t *wait);

#endif
