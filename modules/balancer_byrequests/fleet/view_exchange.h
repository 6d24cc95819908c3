/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* view_exchange.h - this front tells the others what it sees of its members.
 * Knows    which balancers share that: fleet=view, and fleet=health for its sake.
 * Ignores  what others do with it (health_exchange.h, fleet_view.h).
 * Memory   the caller's pool.   Threads: any, in any process. */
#ifndef LB_VIEW_EXCHANGE_H
#define LB_VIEW_EXCHANGE_H

#include "balancer_fleet.h"
#include "fleet_exchange.h"
#include "member.h"

extern const lb_exchange_t lb_view_exchange;

/** What others know a balancer and a member by. */
const char *lb_view_exchange_key(const lb_balancer_t *balancer);
const char *lb_view_exchange_name(apr_pool_t *p, const lb_member_t *member);

/** What this front would say now; of its checks only in the process that talks to the engine. */
lb_front_view_t *lb_view_exchange_own(apr_pool_t *p);

#endif
