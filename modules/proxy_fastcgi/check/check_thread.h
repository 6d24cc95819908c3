/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* check_thread.h - makes the checks of members that the balancer says are due.
 * Knows    that one process checks for all (duty.h); threads, one for each running check,
 *          so that a member that hangs delays no other.
 * Ignores  what a check is (probe.c), what follows from it (the balancer).
 * Memory   the child's pool; a pool for each check.
 * Threads  in the child that has the duty one that waits, up to CHECKS_AT_ONCE that check; none
 *          without members to check. */
#ifndef FCGI_CHECK_THREAD_H
#define FCGI_CHECK_THREAD_H

#include "httpd.h"

/** In the parent, with each configuration.
 *  process  the pool that outlives restarts */
apr_status_t fcgi_check_thread_open(apr_pool_t *process);

/** Hook body of optional_fn_retrieve. */
void fcgi_check_thread_find_balancer(void);

/** In a child that has attached to its members; ends before `pchild`. */
void fcgi_check_thread_start(apr_pool_t *pchild, server_rec *s);

#endif
