/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* session.c - see session.h. */
#include "session.h"

#include <string.h>

#include "apr_strings.h"
#include "health.h"
#include "session_cookie.h"
#include "sticky.h"

static void find_route(const lb_ticket_t *ticket, lb_session_t *session)
{
    const proxy_balancer_shared *settings = ticket->proxy->s;
    request_rec *r = ticket->r;

    if (!*settings->sticky) {
        return;
    }
    fc_span_t value = lb_sticky_in_url(ticket->url, settings->sticky_path, settings->scolonsep);
    if (!value.at && r->args) {
        value = lb_sticky_in_url(apr_pstrcat(r->pool, "?", r->args, NULL), settings->sticky_path,
                                 settings->scolonsep);
    }
    session->name = settings->sticky_path;
    if (!value.at) {
        const char *cookies = apr_table_get(r->headers_in, "Cookie");
        value = lb_sticky_in_cookies(cookies ? cookies : "", settings->sticky);
        session->name = settings->sticky;
    }
    const fc_span_t route = lb_sticky_route(value, settings->sticky_separator);
    if (route.at) {
        session->route = apr_pstrmemdup(r->pool, (const char *)route.at, route.bytes);
    }
}

lb_session_t lb_session_of(const lb_ticket_t *ticket)
{
    lb_session_t session = { 0 };

    find_route(ticket, &session);
    if (lb_session_cookie_is_on(ticket->balancer)) {
        bool is_new;
        session.of_cookie = lb_session_cookie_member(ticket, &is_new);
        session.is_known = session.of_cookie.worker && !is_new;
    }
    return session;
}

/* ---- Members of a session -------------------------------------------------------------------- */

/* Who is looked for. */
typedef struct {
    const lb_ticket_t *ticket;
    lb_readiness_t least;
} search_t;

static bool can_serve(const search_t *search, const lb_member_t *member)
{
    return lb_health_readiness(member) >= search->least
           && !lb_ticket_has_tried(search->ticket, member);
}

/* The first usable member with this route, standbys last.
 * known  set when any member has the route, usable or not; its redirect goes to *redirect */
static lb_member_t member_of_route(const search_t *search, const char *route, bool *known,
                                   const char **redirect)
{
    lb_member_t member, standby = { 0 };

    for (int i = 0; lb_member_next(search->ticket->balancer, &i, &member);) {
        const proxy_worker_shared *s = member.worker->s;
        if (strcmp(s->route, route) != 0) {
            continue;
        }
        *known = true;
        if (!can_serve(search, &member)) {
            *redirect = *s->redirect ? s->redirect : *redirect;
        }
        else if (!PROXY_WORKER_IS_STANDBY(member.worker)) {
            return member;
        }
        else if (!standby.worker) {
            standby = member;
        }
    }
    return standby;
}

/* Follows redirects, at most one for each member: they may form a circle.
 * returns  none when no member of the session can serve; *known: does its route exist at all? */
static lb_member_t follow_route(const search_t *search, const char *route, bool *known)
{
    for (int hops = 0; hops <= search->ticket->proxy->workers->nelts; hops++) {
        const char *redirect = NULL;
        bool is_known = false;
        const lb_member_t member = member_of_route(search, route, &is_known, &redirect);

        *known |= hops == 0 && is_known;
        if (member.worker || !redirect) {
            return member;
        }
        route = redirect;
    }
    return (lb_member_t){ 0 };
}

/* A member without a route may still have a redirect. */
static lb_member_t follow_cookie(const search_t *search, const lb_member_t *named)
{
    const char *redirect = named->worker->s->redirect;
    bool unused = false;

    if (can_serve(search, named)) {
        return *named;
    }
    return *redirect ? follow_route(search, redirect, &unused) : (lb_member_t){ 0 };
}

static lb_member_t find_member(const search_t *search, lb_session_t *session)
{
    if (session->route) {
        session->by_route = follow_route(search, session->route, &session->route_is_known);
        session->is_known |= session->route_is_known;
    }
    if (session->by_route.worker || session->route_is_known) {
        return session->by_route;
    }
    return session->of_cookie.worker ? follow_cookie(search, &session->of_cookie)
                                     : (lb_member_t){ 0 };
}

static bool is_bound(const lb_balancer_t *balancer, const lb_session_t *session)
{
    return session->is_known && balancer->proxy->s->sticky_force;
}

lb_member_t lb_session_member(const lb_ticket_t *ticket, lb_session_t *session)
{
    search_t search = { ticket, LB_READY_LATE };
    lb_member_t member = find_member(&search, session);

    if (!member.worker && is_bound(ticket->balancer, session)) {
        search.least = LB_READY_AT_LAST;
        member = find_member(&search, session);
    }
    return member;
}

bool lb_session_is_bound(const lb_ticket_t *ticket)
{
    return is_bound(ticket->balancer, ticket->session);
}

bool lb_session_is_at(const lb_session_t *session, const lb_member_t *member)
{
    return session->route_is_known ? strcmp(session->route, member->worker->s->route) == 0
                                   : lb_member_is(member, &session->of_cookie);
}

bool lb_session_is_on(const lb_balancer_t *balancer)
{
    return *balancer->proxy->s->sticky || lb_session_cookie_is_on(balancer);
}

/* ---- What is told of it ---------------------------------------------------------------------- */

const char *lb_session_wording(const lb_ticket_t *ticket, const lb_session_t *session)
{
    apr_pool_t *p = ticket->r->pool;
    return session->route_is_known
               ? apr_pstrcat(p, "route ", session->route, NULL)
               : apr_pstrcat(p, "cookie of ", session->of_cookie.worker->s->name_ex, NULL);
}

void lb_session_tell(const lb_ticket_t *ticket, const lb_session_t *session)
{
    request_rec *r = ticket->r;

    if (session->route) {
        apr_table_setn(r->notes, "session-sticky", session->name);
        apr_table_setn(r->notes, "session-route", session->route);
        apr_table_setn(r->subprocess_env, "BALANCER_SESSION_STICKY", session->name);
        apr_table_setn(r->subprocess_env, "BALANCER_SESSION_ROUTE", session->route);
    }
    if (lb_session_cookie_is_on(ticket->balancer)
        && !lb_member_is(&ticket->member, &session->by_route)
        && !lb_member_is(&ticket->member, &session->of_cookie)) {
        lb_session_cookie_set(ticket);
    }
}
