/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* runtime_state.h - what is not as the configuration says: taken from the shared memory of a
 * running httpd, and applied to the next one's.
 * Knows    settings, members that were added, moved and removed, bans.
 * Ignores  where a state is kept meanwhile (state_keeper.c).
 *
 * Each saved value comes with the configured value that it replaced. When the configuration now
 * says something else, somebody has edited it, and the configuration wins. */
#ifndef LB_RUNTIME_STATE_H
#define LB_RUNTIME_STATE_H

#include "cluster.h"
#include "saved_state.h"

/** Any process, any thread; no lock is taken: whoever changes something saves afterwards.
 *  persistent_only   only balancers with BalancerPersist On
 *  returns           the state, in p */
lb_saved_state_t *lb_runtime_state_take(apr_pool_t *p, bool persistent_only);

/** In the parent, before the members are shared: who is there at all, and under which address.
 *  Makes the cluster's roster, and changes the balancer's array of workers.
 *  saved    NULL: nothing was saved
 *  returns  for lb_runtime_state_apply_members() */
apr_array_header_t *lb_runtime_state_plan_members(apr_pool_t *pconf, lb_cluster_t *cluster,
                                                  const lb_saved_balancer_t *saved);

/** In the parent, after sharing. */
void lb_runtime_state_apply_balancer(lb_cluster_t *cluster, const lb_saved_balancer_t *saved);
void lb_runtime_state_apply_members(lb_cluster_t *cluster, const apr_array_header_t *plan);

#endif
