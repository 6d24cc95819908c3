/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* check_owner.h - a work that one process of httpd does for all: whose turn it is.
 * Knows    a robust mutex in shared memory; which processes belong to an older configuration.
 * Ignores  what the work is.
 * Memory   one anonymous shared segment, made before the children; it outlives restarts.
 * Threads  one of each process; who has taken the duty must be who gives it up.
 *
 * Invariant: at most one process holds the duty. When its holder dies, by whatever end, the kernel
 * gives the mutex free, and the next that asks has it. */
#ifndef FCGI_CHECK_OWNER_H
#define FCGI_CHECK_OWNER_H

#include <stdbool.h>

#include "apr_pools.h"

/** In the parent, with each configuration; children that were made before are outdated from now on.
 *  process  the pool that outlives restarts */
apr_status_t fcgi_check_owner_open(apr_pool_t *process);

/** Is it ours, now or since before? Does not wait. */
bool fcgi_check_owner_take(void);

/** Give it up, if it is ours. */
void fcgi_check_owner_give_up(void);

/** Has the parent read another configuration? Then its children are to do the work. */
bool fcgi_check_owner_is_outdated(void);

#endif
