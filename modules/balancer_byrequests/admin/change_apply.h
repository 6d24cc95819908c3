/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* change_apply.h - makes the changes that an operator asks for, at run time.
 * Knows    all or nothing; whose locks are needed, and who must hear of a change.
 * Ignores  who may ask (the manager decides that).
 * Threads  any; changes are made under the global mutexes of the balancers. */
#ifndef LB_CHANGE_APPLY_H
#define LB_CHANGE_APPLY_H

#include "balancer.h"
#include "mod_balancer_byrequests.h"

/** See lb_change_all in the contract. */
lb_change_result_t *lb_change_apply_all(apr_pool_t *p, server_rec *any,
                                        const apr_array_header_t *changes);

/** See lb_change_errors in the contract. */
apr_array_header_t *lb_change_apply_check(apr_pool_t *p, server_rec *any,
                                          const apr_array_header_t *changes);

/** Before a balancer is looked at: see what other processes changed, and who has left. */
void lb_change_apply_tidy(lb_balancer_t *balancer, server_rec *any);

#endif
