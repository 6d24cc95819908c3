/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* waiting.h - a request that waits in the queue, in its thread.
 * Knows    time limits, the client that may leave, the thread that hears the bell (watch.c).
 * Ignores  whose turn it is (admission.c).
 * Memory   the request's; one list of those who wait in this process.
 * Threads  the request's own; lb_waiting_wake() from the watch thread. */
#ifndef LB_WAITING_H
#define LB_WAITING_H

#include "admission.h"
#include "ticket.h"

/** Wait in the queue of the ticket's balancer.
 *  only      a session's member: it is waited for up to stickywait, then any will do unless the
 *            balancer says nofailover; NULL: any
 *  member    on LB_SERVED the one on which the right is held now
 *  returns   LB_SERVED, LB_QUEUE_FULL, LB_QUEUE_TIMEOUT or LB_CLIENT_ABORT */
lb_outcome_t lb_waiting_run(lb_ticket_t *ticket, proxy_worker *only, proxy_worker **member);

/** The bell rang: wake those of this table that were served. */
void lb_waiting_wake(const lb_ledger_t *ledger);

/** Hook body of child_init. */
void lb_waiting_child_init(apr_pool_t *pchild);

#endif
