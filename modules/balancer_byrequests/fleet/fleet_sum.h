/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_sum.h - puts together what the fronts of a fleet say of the same member.
 * Knows    that a member is the same if virtual host, balancer and name are; that only fresh fronts
 *          count.
 * Ignores  where the documents come from, and their age.
 * Memory   the caller's pool.   Threads: any, no state. */
#ifndef LB_FLEET_SUM_H
#define LB_FLEET_SUM_H

#include "balancer_fleet.h"

/** All members that any front knows: those of the own front first, as it has them, then those that
 *  only others have.
 *  fronts   array of lb_fleet_front_t
 *  returns  array of lb_fleet_member_t, in p */
apr_array_header_t *lb_fleet_sum_members(apr_pool_t *p, const apr_array_header_t *fronts);

#endif
