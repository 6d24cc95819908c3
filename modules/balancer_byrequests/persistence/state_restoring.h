/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* state_restoring.h - a saved state comes back into balancers that were made from the
 *                     configuration.
 * Knows    what may come back, and in which order; logs what may not.
 * Ignores  where the state was.
 * Threads  the parent's, at start.
 *
 * Each saved value comes with the configured value that it replaced. When the configuration now
 * says something else, somebody has edited it, and the configuration wins. */
#ifndef LB_STATE_RESTORING_H
#define LB_STATE_RESTORING_H

#include "member.h"
#include "saved_state.h"

/** Before the members are shared: who is there at all, and under which address. Makes the
 *  balancer's roster, and changes its array of workers.
 *  saved    NULL: nothing was saved
 *  returns  for lb_state_restoring_members() */
apr_array_header_t *lb_state_restoring_plan(apr_pool_t *pconf, lb_balancer_t *balancer,
                                            const lb_saved_balancer_t *saved);

/** After sharing: each member has its slot. */
void lb_state_restoring_seats(lb_balancer_t *balancer, const apr_array_header_t *plan);

/** When the rows are claimed: the values, and the bans. */
void lb_state_restoring_balancer(lb_balancer_t *balancer, const lb_saved_balancer_t *saved);
void lb_state_restoring_members(lb_balancer_t *balancer, const apr_array_header_t *plan);

#endif
