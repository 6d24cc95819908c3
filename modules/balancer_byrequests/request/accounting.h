/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* accounting.h - tries, waits and refusals of requests go to the counters of members and balancers.
 * Knows    tickets, the rooms of a balancer's members, mod_proxy's own counts of bytes.
 * Ignores  what the numbers say about a member (blame.c), who shows them (snapshot.c).
 * Memory   the rooms of the shared table.   Threads: any. */
#ifndef LB_ACCOUNTING_H
#define LB_ACCOUNTING_H

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

#endif
