/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* session_cookie.h - our own session cookie (BalancerStickyCookie) in requests and in answers.
 * Knows    where the cookie stands in a request, whom it names, how an answer carries it past
 *          errors, redirects and caches.
 * Ignores  how its value is made (sticky_cookie.c) and who is chosen.
 * Memory   values are kept for each process; headers in r->pool.
 * Threads  any: a value that is kept is never changed, only another put in its place. */
#ifndef LB_SESSION_COOKIE_H
#define LB_SESSION_COOKIE_H

#include <stdbool.h>

#include "ticket.h"

/** Has this balancer such a cookie? */
bool lb_session_cookie_is_on(const lb_balancer_t *balancer);

/** The member that the cookie names: the one that an earlier try of this request, or the request
 *  that was redirected to it, has put into the answer; else the one that the client sent.
 *  is_new   set: is it one of the former? The client does not know that one yet.
 *  returns  none when there is none, or when it is nobody's */
lb_member_t lb_session_cookie_member(const lb_ticket_t *ticket, bool *is_new);

/** The answer sets the cookie to the ticket's member. */
void lb_session_cookie_set(const lb_ticket_t *ticket);

/** Hook body: room for the values. */
int lb_session_cookie_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                  server_rec *s);

#endif
