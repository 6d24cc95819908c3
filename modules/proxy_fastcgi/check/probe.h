/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* probe.h - makes one check of a member: connects, and sends a small FastCGI request.
 * Knows    what PHP-FPM needs for its ping and status pages.
 * Ignores  when checks are due, what follows from them (the balancer's checks.c).
 * Memory   the caller's pool.   Threads: one for each probe; it holds the thread.
 *
 * Always a connection of its own, closed at the end: a check neither waits for the member's kept
 * connections nor occupies one. Never FCGI_GET_VALUES: PHP-FPM leaves the child busy with it. */
#ifndef FCGI_PROBE_H
#define FCGI_PROBE_H

#include <stdbool.h>

#include "backend.h"
#include "mod_balancer_byrequests.h"

/** Make a check, within check->timeout, and read the status page if there is one.
 *  stop     how it is ended from outside
 *  p        for all that the result points to
 *  returns  false when it was ended: there is no result */
bool fcgi_probe_run(const lb_check_t *check, fcgi_check_stop_t *stop, apr_pool_t *p,
                    lb_check_result_t *result);

#endif
