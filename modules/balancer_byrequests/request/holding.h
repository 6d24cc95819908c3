/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* holding.h - a ticket's right to have one request in flight on one member: taken, counted exactly
 *             once, given back.
 * Knows    the ledger, and the numbers in mod_proxy's struct that other readers look at.
 * Ignores  which member is chosen, and why.
 * Memory   one ticket for a request, in r->pool; a pool cleanup gives a forgotten right back.
 * Threads  the request's own. */
#ifndef LB_HOLDING_H
#define LB_HOLDING_H

#include "ticket.h"

/** A ticket for this request, not yet held.
 *  url   balancer://name/path, copied */
lb_ticket_t *lb_holding_begin(request_rec *r, proxy_balancer *proxy, const char *url);

/** The right on this member was taken (admission.h): the ticket holds it. Counts the election.
 *  returns  false when the member was removed meanwhile: the right was given back, choose again */
bool lb_holding_take(lb_ticket_t *ticket, const lb_member_t *member);

/** Take the right on the same member again, after it was given back; no new election.
 *  returns  false when the member has no room, or others wait for it, or it was removed */
bool lb_holding_take_again(lb_ticket_t *ticket);

/** The last election led to no try: forget it, so that its member may be elected again. */
void lb_holding_forget_election(lb_ticket_t *ticket);

/** The client has gone: may the right be kept as long as the member works on the request?
 *  returns  true: it is kept, and the client counts as gone; false: the member has no limit */
bool lb_holding_outlive_client(lb_ticket_t *ticket);

/** The request holds no thread any more, or has one again. */
void lb_holding_count_parked(lb_ticket_t *ticket, bool is_parked);

/** Give the right back; does nothing when it is not held.
 *  returns  was it held? */
bool lb_holding_give_back(lb_ticket_t *ticket);

#endif
