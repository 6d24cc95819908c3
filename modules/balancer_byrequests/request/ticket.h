/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* ticket.h - what the balancer knows of one request: its member, the members that it has tried,
 *            and where it waits.
 * Ignores  how the right on a member is taken and given back (holding.h).
 * Memory   r->pool.
 * Threads  the request's own. */
#ifndef LB_TICKET_H
#define LB_TICKET_H

#include <stdbool.h>

#include "health.h"
#include "mod_balancer_byrequests.h"

struct lb_ticket_t {
    request_rec *r;
    const lb_balancer_t *balancer;
    proxy_balancer *proxy;      /* mod_proxy's struct of it, as r's virtual host has it */
    lb_member_t member;     /* of the last try, or none */
    const char *url;        /* balancer://name/path, as the request came */
    apr_array_header_t *tried;      /* of lb_member_t, with the last one; NULL until needed */
    apr_time_t began; /* monotonic us: when the request came to its balancer */
    int tries;
    bool is_held;
    bool is_abandoned;     /* its client has gone while it was held, and it was given back then */
    bool outlives_client;  /* its client has gone, and the member is not ready yet */
    bool is_served;  /* the last try was, and its status is not judged yet */
    lb_trial_t trial;      /* while it is with a member in error: see health.h */
    apr_interval_time_t queued;     /* us that it waited in the queue, all tries together */
    struct lb_place_t *place;      /* in the queue, see waiting.h; NULL: it does not wait there */
    struct lb_session_t *session;   /* while it waits for its turn */
    apr_time_t patient_until;    /* while no member is usable; 0: it does not wait so */
    bool is_parked;
    uint32_t parked_at;  /* row of the member at which that is counted, or LB_NOBODY */
    apr_interval_time_t queued_before;    /* of that, what its earlier tries have waited */
    apr_interval_time_t waited;           /* and what the last one has */
    apr_time_t held_at;    /* when the right was taken: the try begins */
};

/** The ticket of this request; NULL when no balancer is involved. */
lb_ticket_t *lb_ticket_find(request_rec *r);

/** Was this member tried for this request? */
bool lb_ticket_has_tried(const lb_ticket_t *ticket, const lb_member_t *member);

#endif
