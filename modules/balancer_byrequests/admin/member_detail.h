/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member_detail.h - what is shown of one member at a time only.
 * Knows    its parameters and those of its checks, its samples.   Ignores  how it is shown.
 * Memory   the caller's pool.   Threads: any; takes no lock. */
#ifndef LB_MEMBER_DETAIL_H
#define LB_MEMBER_DETAIL_H

#include "mod_balancer_byrequests.h"

/** See lb_handler_keeps in the contract. */
void lb_member_detail_ask_for_kept(int (*kept)(const proxy_worker *worker, apr_pool_t *p));

/** See lb_member_detail in the contract. */
lb_member_detail_t *lb_member_detail_take(apr_pool_t *p, int balancer, const char *url);

#endif
