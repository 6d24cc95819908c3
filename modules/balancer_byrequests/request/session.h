/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* session.h - whose session a request belongs to: a route as stock has it (stickysession), else our
 *             own cookie (BalancerStickyCookie).
 * Knows    where a client sends either, redirects of routes, standbys.
 * Ignores  elections.
 * Memory   r->pool. */
#ifndef LB_SESSION_H
#define LB_SESSION_H

#include <stdbool.h>

#include "ticket.h"

typedef struct lb_session_t {
    const char *name;           /* of the parameter or cookie that carried the route */
    const char *route;          /* NULL when the client sent none */
    lb_member_t of_cookie;      /* whom our cookie names, or none */
    bool is_known;              /* does the client's session belong to a member, usable or not? */
    bool route_is_known;        /* ... by its route? Then our cookie does not count */
    lb_member_t by_route;       /* who was found by a route: our cookie then stays as it is */
} lb_session_t;

/** What the client sent. */
lb_session_t lb_session_of(const lb_ticket_t *ticket);

/** The member that serves this session now; is_known, route_is_known and by_route are set. For a
 *  session that may not move it is better in error than none.
 *  returns  none when there is no session, or when no member of it can serve */
lb_member_t lb_session_member(const lb_ticket_t *ticket, lb_session_t *session);

/** May the ticket's session not move (nofailover)? */
bool lb_session_is_bound(const lb_ticket_t *ticket);

/** Is this the session's own member, and not one that it was redirected or given to? */
bool lb_session_is_at(const lb_session_t *session, const lb_member_t *member);

/** Does this balancer know sessions at all? */
bool lb_session_is_on(const lb_balancer_t *balancer);

/** The session in a few words for the log: never a cookie's value. */
const char *lb_session_wording(const lb_ticket_t *ticket, const lb_session_t *session);

/** The ticket has its member: tell the environment, and set our cookie if that is new to the
 *  client. */
void lb_session_tell(const lb_ticket_t *ticket, const lb_session_t *session);

#endif
