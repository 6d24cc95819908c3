/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_fronts.h - the fronts that are known, with what they say and how old that is.
 * Knows    that a front is fresh as long as its document is no older than the lease.
 * Ignores  what follows from it.
 * Memory   the caller's pool.   Threads: any, in any process. */
#ifndef LB_FLEET_FRONTS_H
#define LB_FLEET_FRONTS_H

#include "balancer_fleet.h"
#include "fleet_settings.h"

/** All of them, this one too: array of lb_fleet_front_t, by name. */
apr_array_header_t *lb_fleet_fronts(apr_pool_t *p, const lb_fleet_settings_t *settings);

#endif
