/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* snapshot.h - plain copies of all balancers and members, for those who show them.
 * Knows    every shared number.   Ignores  how it is shown.
 * Memory   the caller's pool.   Threads: any; takes no lock that requests need. */
#ifndef LB_SNAPSHOT_H
#define LB_SNAPSHOT_H

#include "member.h"
#include "mod_balancer_byrequests.h"

/** See lb_snapshot in the contract. */
apr_array_header_t *lb_snapshot_take(apr_pool_t *p, server_rec *any);

/** See lb_snapshot_each in the contract. */
void lb_snapshot_take_each(apr_pool_t *p, server_rec *any,
                           void (*take)(void *data, const lb_balancer_view_t *balancer),
                           void *data);

/** The state of a member in one word. */
lb_state_t lb_snapshot_state(const lb_member_t *member);

#endif
