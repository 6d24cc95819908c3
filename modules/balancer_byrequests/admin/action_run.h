/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* action_run.h - carries out what an operator asks for, at run time.
 * Knows    mod_proxy's shared settings, their ranges, and all or nothing.
 * Ignores  who may ask (the manager decides that).
 * Threads  any; changes are made under the global mutexes of the balancers. */
#ifndef LB_ACTION_RUN_H
#define LB_ACTION_RUN_H

#include "balancer.h"
#include "mod_balancer_byrequests.h"

/** See lb_apply in the contract. */
lb_result_t *lb_action_run_apply(apr_pool_t *p, server_rec *any, const apr_array_header_t *actions);

/** See lb_apply_errors in the contract. */
apr_array_header_t *lb_action_run_check(apr_pool_t *p, server_rec *any,
                                        const apr_array_header_t *actions);

/** Before a balancer is looked at: see what other processes changed, and who has left. */
void lb_action_run_tidy(lb_balancer_t *balancer, server_rec *any);

#endif
