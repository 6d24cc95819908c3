/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member_counters.h - the counters of a balancer and of the members in its slots: where they are,
 *                     since when they count, and what mod_proxy counts beside them.
 * Knows    the rooms of the shared table, mod_proxy's own counts of bytes.
 * Ignores  requests (accounting.c), who shows the numbers (snapshot.c).
 * Memory   the rooms of the shared table.   Threads: any. */
#ifndef LB_MEMBER_COUNTERS_H
#define LB_MEMBER_COUNTERS_H

#include "cluster.h"

/** Take over the bytes that mod_proxy has counted since this was called last: of one member, and
 *  of all. */
void lb_member_counters_fold_member(const lb_cluster_t *cluster, const proxy_worker *member);
void lb_member_counters_fold_bytes(const lb_cluster_t *cluster);

/** Make the balancer's next sample, if it is due and this process is the first to see it. */
void lb_member_counters_sample(const lb_cluster_t *cluster);

/** The rooms have their owners from now on, if they did not have them before. */
void lb_member_counters_begin(const lb_cluster_t *cluster);
void lb_member_counters_begin_slot(const lb_cluster_t *cluster, int slot);

/** reset_counters: the page shows what comes from now on.
 *  member   NULL: the balancer and all its members */
void lb_member_counters_reset(const lb_cluster_t *cluster, const proxy_worker *member);

/** The rooms of a balancer, and of the member in a slot of it. */
lb_balancer_room_t *lb_member_counters_of_balancer(const lb_cluster_t *cluster);
lb_member_room_t *lb_member_counters_of_slot(const lb_cluster_t *cluster, int slot);

/** Elections of the member in a slot that led to a try. */
uint64_t lb_member_counters_elected(const lb_cluster_t *cluster, int slot);

#endif
