/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* state_taking.h - what is not as the configuration says, taken from the shared memory.
 * Knows    settings, members that were added, moved, removed and discovered, bans.
 * Ignores  where a state is kept (state_keeper.c), and how it comes back (state_restoring.c). */
#ifndef LB_STATE_TAKING_H
#define LB_STATE_TAKING_H

#include "balancer.h"
#include "saved_state.h"

/** Any process, any thread; no lock is taken: whoever changes something saves afterwards.
 *  for_file  only balancers with BalancerPersist On, and without what DNS will say again
 *  returns   the state, in p */
lb_saved_state_t *lb_state_taking_take(apr_pool_t *p, bool for_file);

#endif
