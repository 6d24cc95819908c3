/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* own_view.h - what this front says of itself and its members now.
 * Knows    which balancers share that: fleet=view, and fleet=health for its sake.
 * Ignores  to whom it is said.
 * Memory   the caller's pool.
 * Threads  any, in any process; of checks it says something only in the one that talks to the
 *          engine (checks_lease.h). */
#ifndef LB_OWN_VIEW_H
#define LB_OWN_VIEW_H

#include "balancer_fleet.h"
#include "member.h"

lb_front_view_t *lb_own_view(apr_pool_t *p);

/** What others know a balancer and a member by. */
const char *lb_own_view_key(const lb_balancer_t *balancer);
const char *lb_own_view_name(apr_pool_t *p, const lb_member_t *member);

#endif
