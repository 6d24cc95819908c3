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

/** See lb_exemplars_read in the contract. */
void lb_snapshot_copy_exemplars(const lb_exemplars_t *exemplars, lb_time_t time,
                                lb_exemplar_t of_buckets[LB_HISTOGRAM_BUCKETS]);

#endif
