/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* checks_lease.h - since when this front makes the checks of fleet=health for all fronts.
 * Ignores  how that is decided (health_exchange.h).
 * Memory   of the process that talks to the engine: another one that takes over asks again.
 * Threads  any. */
#ifndef LB_CHECKS_LEASE_H
#define LB_CHECKS_LEASE_H

#include <stdbool.h>

#include "apr_time.h"

/** It does, or does not, from now on.
 *  returns  is that new? */
bool lb_checks_lease_set(bool is_ours);

/** Monotonic us; 0: it does not, or not as far as this process knows. */
apr_time_t lb_checks_lease_since(void);

#endif
