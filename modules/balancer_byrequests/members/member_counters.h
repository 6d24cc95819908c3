/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member_counters.h - the counters of a balancer and of the members in its slots: where they are,
 *                     since when they count, and what mod_proxy counts beside them.
 * Knows    the rooms of the shared table, mod_proxy's own counts of bytes.
 * Ignores  requests (accounting.c), who shows the numbers (snapshot.c).
 * Memory   the rooms of the shared table.   Threads: any. */
#ifndef LB_MEMBER_COUNTERS_H
#define LB_MEMBER_COUNTERS_H

#include "member.h"

/** Take over the bytes that mod_proxy has counted since this was called last: of one member, and
 *  of all. */
void lb_member_counters_fold_member(const lb_member_t *member);
void lb_member_counters_fold_bytes(const lb_balancer_t *balancer);

/** The same, of a try that has ended in a child that has outlived a graceful restart: it is counted
 *  together with its bytes. */
void lb_member_counters_fold_try(const lb_member_t *member);

/** Make the balancer's next sample, if it is due and this process is the first to see it. */
void lb_member_counters_sample(const lb_balancer_t *balancer);

/** The rooms have their owners from now on, if they did not have them before. */
void lb_member_counters_begin(const lb_balancer_t *balancer);
void lb_member_counters_begin_slot(const lb_balancer_t *balancer, int slot);

/** reset_counters: what is shown of a member, or of a balancer and all its members, is what comes
 *  from now on. */
void lb_member_counters_reset_member(const lb_member_t *member);
void lb_member_counters_reset_all(const lb_balancer_t *balancer);

/** The rooms of a balancer, of a member, and of whoever has this slot. */
lb_balancer_room_t *lb_member_counters_of_balancer(const lb_balancer_t *balancer);
lb_member_room_t *lb_member_counters_of(const lb_member_t *member);
lb_member_room_t *lb_member_counters_of_slot(const lb_balancer_t *balancer, int slot);

#endif
