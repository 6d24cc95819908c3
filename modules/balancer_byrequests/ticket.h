/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* ticket.h - the right to have one request in flight on one member, counted exactly once.
 * Knows    the ledger, and the numbers in mod_proxy's struct that other readers look at.
 * Ignores  which member is chosen, and why.
 * Memory   one ticket for a request, in r->pool; a pool cleanup gives a forgotten right back.
 * Threads  the request's own. */
#ifndef LB_TICKET_H
#define LB_TICKET_H

#include <stdbool.h>

#include "mod_balancer_byrequests.h"

struct lb_ticket_t {
    request_rec        *r;
    proxy_balancer     *balancer;
    proxy_worker       *member;     /* of the last try */
    const char         *url;        /* balancer://name/path, as the request came */
    apr_array_header_t *tried;      /* of proxy_worker *, with the last one; NULL until needed */
    int                 tries;
    bool                is_held;
    bool                is_served;  /* the last try was, and its status is not judged yet */
    uint64_t            trial;      /* the claim when this request is a trial: see health.h */
    proxy_worker       *on_trial;   /* was in error when it got this request; NULL: was not */
    apr_interval_time_t queued;     /* us that it waited in the queue, all tries together */
    struct lb_place_t  *place;      /* in the queue, see waiting.h; NULL: it does not wait there */
    struct lb_session_t *session;   /* while it waits for its turn */
    apr_time_t          patient_until;    /* while no member is usable; 0: it does not wait so */
    bool                is_parked;
    uint32_t            parked_at;  /* row of the member at which that is counted, or LB_NOBODY */
    apr_interval_time_t queued_before;    /* of that, what its earlier tries have waited */
    apr_time_t          held_at;    /* when the right was taken: the try begins */
};

/** The ticket of this request; NULL when no balancer is involved. */
lb_ticket_t *lb_ticket_find(request_rec *r);

/** A ticket for this request, not yet held.
 *  url   balancer://name/path, copied */
lb_ticket_t *lb_ticket_make(request_rec *r, proxy_balancer *balancer, const char *url);

/** The right on this member was taken (admission.h): the ticket holds it. Counts the election.
 *  returns  false when the member was removed meanwhile: the right was given back, choose again */
bool lb_ticket_hold(lb_ticket_t *ticket, proxy_worker *member);

/** Take the right on the same member again, after it was given back; no new election.
 *  returns  false when the member has no room, or others wait for it, or it was removed */
bool lb_ticket_take_again(lb_ticket_t *ticket);

/** The last election led to no try: forget it, so that its member may be elected again. */
void lb_ticket_forget_election(lb_ticket_t *ticket);

/** The request holds no thread any more, or has one again. */
void lb_ticket_count_parked(lb_ticket_t *ticket, bool is_parked);

/** Give the right back; does nothing when it is not held.
 *  returns  was it held? */
bool lb_ticket_give_back(lb_ticket_t *ticket);

/** A right that was taken, and is not held yet, is not wanted after all. */
void lb_ticket_decline(lb_ticket_t *ticket, proxy_worker *member);

/** Was this member tried for this request? */
bool lb_ticket_has_tried(const lb_ticket_t *ticket, const proxy_worker *member);

#endif
