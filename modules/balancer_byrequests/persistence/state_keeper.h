/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* state_keeper.h - keeps the run-time state over restarts: over a graceful one in the parent's own
 * memory, with BalancerPersist On over all others in a file.
 * Knows    when to take, to save and to load.   Ignores  what is in a state.
 * Memory   a state in a pool of the parent's process, from one configuration to the next.
 * Threads  lb_state_keeper_save() and _note_change(): any. Saving takes no lock that a request
 *          needs; a request that notes a change does not wait for the file: a thread saves it. */
#ifndef LB_STATE_KEEPER_H
#define LB_STATE_KEEPER_H

#include "balancer.h"
#include "saved_state.h"

/** In the parent, before the balancers are made: find the state of the last generation. */
void lb_state_keeper_open(apr_pool_t *pconf, server_rec *main);

/** What was saved for this balancer.
 *  returns  NULL: nothing, or it may not be kept */
const lb_saved_balancer_t *lb_state_keeper_find(const lb_balancer_t *balancer);

/** Does what this balancer's members were before this restart still count? */
bool lb_state_keeper_keeps(const lb_balancer_t *balancer);

/** In the parent, when all balancers are made. */
void lb_state_keeper_start(apr_pool_t *pconf, server_rec *main);

void lb_state_keeper_child_init(apr_pool_t *pchild);

/** Hook body: the file of a running httpd does not grow old. */
int lb_state_keeper_monitor(apr_pool_t *p, server_rec *s);

/** An operator has changed something: when this returns it is on disk, or a warning in the log. */
void lb_state_keeper_save(apr_pool_t *p, const lb_balancer_t *balancer);

/** Something else has changed (a ban): it will be saved soon. */
void lb_state_keeper_note_change(void);

#endif
