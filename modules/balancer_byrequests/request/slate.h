/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* slate.h - who contends for a balancer's requests, as this process has last seen them and in the
 *           order of their passes: an election looks at one member instead of all.
 * Knows    what of a member's state may change, and how that is noticed.
 * Ignores  requests that have tried members before: for them all are looked at (contenders.h).
 * Memory   of the process, made anew by the next who looks when something has changed.
 * Threads  any: each slate has a mutex. The order of locks is this one, then the table's.
 *
 * Invariants: the one elected is the one that lb_contenders_gather() and lb_admission_elect() would
 * have elected. Passes only grow, so one in the slate is at most too small: who seems to be first
 * is compared with its row, and is first if they agree. Who is full stands aside, and is looked at
 * again each time. Whoever changes a member's state says so (lb_member_note_change()); members that
 * time may change are watched, that is looked at each time, and so are those that climb (slow
 * start). Nothing that another process does, or leaves undone when it dies, can make this wrong for
 * long: before a member is elected its state is read again, and after LB_SLATE_LIFE the slate is
 * made anew. Then changes are noticed, too, that other modules make to mod_proxy's structs. */
#ifndef LB_SLATE_H
#define LB_SLATE_H

#include "member.h"

#define LB_SLATE_LIFE (100 * 1000)    /* us; mod_proxy_hcheck looks as often */

/** In a child, for each of its balancers. */
void lb_slate_child_init(lb_balancer_t *balancer, apr_pool_t *pchild);

/** Elect a member for a request that has tried none, and take the right on it.
 *  member   none: requests wait already, and newcomers do so, too
 *  may_wait written: may newcomers, see lb_contenders_may_wait()?
 *  returns  false when none of the first turn is free: all contenders are to be looked at */
bool lb_slate_elect(const lb_balancer_t *balancer, lb_member_t *member, bool *may_wait);

/** A session chose this member: charge it for one request. */
void lb_slate_charge(const lb_member_t *member);

/** Is any member draining? */
bool lb_slate_any_drains(const lb_balancer_t *balancer);

#endif
