/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* choice.h - chooses a member for a request, and takes a right on it.
 * Knows    the session's own member and what stands in for it, the queue, the balancer's timeout.
 * Ignores  how members are compared (lbmethod.c) and judged (health.c), how a request waits, what
 *          the client is told.
 * Memory   r->pool.   Threads: the request's own. */
#ifndef LB_CHOICE_H
#define LB_CHOICE_H

#include "ticket.h"

/* No outcome yet. */
#define LB_CHOICE_WAITS LB_OUTCOME_COUNT

/** Before the first choice of a try: whose session is it? */
void lb_choice_begin(lb_ticket_t *ticket);

/** Choose a member, take a right on it, and its trial too when it is due; or go on with that after
 *  a wait.
 *  returns  LB_SERVED: the ticket holds the right; LB_CHOICE_WAITS: it has a place in the queue, or
 *           looks again until ticket->patient_until; else why there is no member */
lb_outcome_t lb_choice_make(lb_ticket_t *ticket);

#endif
