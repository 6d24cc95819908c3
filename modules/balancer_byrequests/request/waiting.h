/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* waiting.h - a request's place in the queue, in steps that never wait.
 * Knows    time limits, the bell of each place, the thread that hears for all of them
 *          (child_thread.c).
 * Ignores  whose turn it is (serving.c), how the time between the steps is spent.
 * Memory   the request's pool; one list of those who wait in this process.
 * Threads  the request's own; lb_waiting_wake() from the child thread. */
#ifndef LB_WAITING_H
#define LB_WAITING_H

#include "admission.h"
#include "ticket.h"

typedef struct lb_place_t lb_place_t;
struct lb_place_t {
    const lb_ledger_t *ledger;
    uint32_t slot;
    int bell;                 /* an eventfd: readable when it was served */
    lb_member_t only;         /* a session's member; none: any */
    bool is_narrow;           /* only that one will do, for now */
    apr_time_t since, widen_at, deadline;
    lb_place_t *next, **at;   /* in the list of those who wait; what points to this one */
};

/** Take a place in the queue of the ticket's balancer.
 *  only      a session's member: it is waited for up to stickywait, then any will do unless the
 *            balancer says nofailover; NULL: any
 *  returns   LB_SERVED: ticket->place is there, look; else LB_QUEUE_FULL, LB_NO_TIME */
lb_outcome_t lb_waiting_begin(lb_ticket_t *ticket, const lb_member_t *only);

/** Look how it stands. When it is over the place is gone.
 *  outcome   LB_SERVED: the right is held on *member; else LB_QUEUE_TIMEOUT, LB_SHED,
 *            LB_CLIENT_ABORT
 *  returns   is it over? */
bool lb_waiting_look(lb_ticket_t *ticket, lb_outcome_t *outcome, lb_member_t *member);

/** How long until the next look, when the bell does not ring; us. */
apr_interval_time_t lb_waiting_patience(const lb_ticket_t *ticket);

/** Leave the queue, if it waits there. */
void lb_waiting_leave(lb_ticket_t *ticket);

/** The bell rang: wake those of this table that were served. */
void lb_waiting_wake(const lb_ledger_t *ledger);

/** Hook body of child_init. */
void lb_waiting_child_init(apr_pool_t *pchild);

#endif
