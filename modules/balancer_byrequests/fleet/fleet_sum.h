/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_sum.h - puts together what the fronts of a fleet say of the same member.
 * Knows    that a member is the same if virtual host, balancer and name are; that only fresh fronts
 *          count.
 * Ignores  where the documents come from, and their age.
 * Memory   the caller's pool.   Threads: any, no state. */
#ifndef LB_FLEET_SUM_H
#define LB_FLEET_SUM_H

#include "balancer_fleet.h"

typedef struct lb_fleet_sum_t lb_fleet_sum_t;

/** fronts   array of lb_fleet_front_t */
const lb_fleet_sum_t *lb_fleet_sum(apr_pool_t *p, const apr_array_header_t *fronts);

/** All members that any front knows: those of the own front first, as it has them, then those that
 *  only others have.
 *  returns  array of lb_fleet_member_t */
apr_array_header_t *lb_fleet_sum_members(const lb_fleet_sum_t *sum);

/** One of them.
 *  balancer   of its virtual host and key
 *  returns    NULL: no front knows it */
const lb_fleet_member_t *lb_fleet_sum_find(const lb_fleet_sum_t *sum,
                                           const lb_front_balancer_t *balancer,
                                           const char *name);

#endif
