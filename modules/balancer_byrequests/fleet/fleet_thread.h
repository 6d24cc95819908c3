/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_thread.h - talks to the engine of the fleet, round after round.
 * Knows    that one process does it for all (duty.h); how long to wait, also while the engine is
 *          away; the lines for the log about that.
 * Ignores  what is told (fleet_exchange.h), how (engine.h).
 * Memory   a pool for each round.
 * Threads  one, in the child that has the duty; none without BalancerFleet. */
#ifndef LB_FLEET_THREAD_H
#define LB_FLEET_THREAD_H

#include "httpd.h"

/** Hook bodies. */
int lb_fleet_thread_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                server_rec *s);
void lb_fleet_thread_child_init(apr_pool_t *pchild, server_rec *s);

#endif
