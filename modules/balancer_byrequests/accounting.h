/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* accounting.h - tries, waits and refusals of requests go to the counters of members and balancers.
 * Knows    tickets, the rooms of a balancer's members, mod_proxy's own counts of bytes.
 * Ignores  what the numbers say about a member (verdict.c), who shows them (snapshot.c).
 * Memory   the rooms of the shared table.   Threads: any. */
#ifndef LB_ACCOUNTING_H
#define LB_ACCOUNTING_H

#include "cluster.h"
#include "ticket.h"

/** A try ended. To be called while its right is held: then its slot is nobody else's. */
void lb_accounting_add_try(const lb_ticket_t *ticket, lb_outcome_t outcome,
                           const lb_measures_t *measures);

/** The same for a scheme that measures nothing itself.
 *  http_status   of the member's answer; 0: it gave none */
void lb_accounting_add_other_scheme(const lb_ticket_t *ticket, lb_outcome_t outcome,
                                    int http_status);

/** The request got its member, after what it has waited since this was called last. */
void lb_accounting_add_wait(lb_ticket_t *ticket);

/** A request got no member. */
void lb_accounting_add_refusal(const lb_ticket_t *ticket, lb_outcome_t outcome);

/** Take over the bytes that mod_proxy has counted since this was called last: of one member, and
 *  of all. */
void lb_accounting_fold_member(const lb_cluster_t *cluster, const proxy_worker *member);
void lb_accounting_fold_bytes(const lb_cluster_t *cluster);

/** Make the balancer's next sample, if it is due and this process is the first to see it. */
void lb_accounting_sample(const lb_cluster_t *cluster);

/** The rooms have their owners from now on, if they did not have them before. */
void lb_accounting_begin(const lb_cluster_t *cluster);
void lb_accounting_begin_member(const lb_cluster_t *cluster, int slot);

/** reset_counters: the page shows what comes from now on.
 *  member   NULL: the balancer and all its members */
void lb_accounting_reset(const lb_cluster_t *cluster, const proxy_worker *member);

/** The rooms of a balancer, and of the member in a slot of it. */
lb_balancer_room_t *lb_accounting_room(const lb_cluster_t *cluster);
lb_member_room_t *lb_accounting_member_room(const lb_cluster_t *cluster, int slot);

/** Elections of the member in a slot that led to a try. */
uint64_t lb_accounting_elected(const lb_cluster_t *cluster, int slot);

#endif
