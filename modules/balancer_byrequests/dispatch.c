/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* dispatch.c - see dispatch.h. */
#include "dispatch.h"

#include "accounting.h"
#include "apr_strings.h"
#include "drain.h"
#include "fastcgi_log.h"
#include "health.h"
#include "http_log.h"
#include "provider.h"
#include "session.h"
#include "verdict.h"
#include "waiting.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

/* How often a request that waits for a usable member (the balancer's timeout) looks again. */
#define LOOK_AGAIN_US (20 * 1000)

/* So often may the chosen member be removed before the ticket holds it. */
#define REMOVED_MEANWHILE_MAX 8

int lb_dispatch_canon(request_rec *r, char *url)
{
    char *host;
    apr_port_t port = 0;

    if (ap_cstr_casecmpn(url, "balancer:", 9) != 0) {
        return DECLINED;
    }
    url += 9;
    const char *err = ap_proxy_canon_netloc(r->pool, &url, NULL, NULL, &host, &port);
    if (err) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, FCLOGNO(0420)
                      "cannot parse the URL balancer:%s: %s", url, err);
        return HTTP_BAD_REQUEST;
    }
    /* The path stays as it came: the member's own scheme makes it canonical. */
    r->filename = apr_pstrcat(r->pool, "proxy:" BALANCER_PREFIX, host, "/", url, NULL);
    return OK;
}

/* ---- Choosing ------------------------------------------------------------------------------- */

/* An election; when no member is usable, the balancer's timeout says how long to wait for one. */
static proxy_worker *elect_patiently(const lb_ticket_t *ticket, bool *are_full)
{
    const apr_time_t deadline = apr_time_now() + ticket->balancer->s->timeout;
    proxy_worker *member = lb_provider_elect(ticket, are_full);

    if (!member && !*are_full && lb_cluster_sync(ticket->balancer, ticket->r->server)) {
        member = lb_provider_elect(ticket, are_full);    /* who was just added, or has moved */
    }
    while (!member && !*are_full && apr_time_now() < deadline
           && !ticket->r->connection->aborted) {
        apr_sleep(LOOK_AGAIN_US);
        lb_health_force_recovery(ticket->balancer, ticket->r->server);
        member = lb_provider_elect(ticket, are_full);
    }
    return member;
}

static lb_outcome_t elect_or_queue(lb_ticket_t *ticket, proxy_worker **member)
{
    bool are_full = false;

    *member = elect_patiently(ticket, &are_full);
    if (*member) {
        return LB_SERVED;
    }
    if (are_full) {
        return lb_waiting_run(ticket, NULL, member);
    }
    if (ticket->tries == 0) {    /* after a failed try its line says enough */
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, ticket->r, FCLOGNO(0422)
                      "%s: no_member: none of its %d members is usable",
                      ticket->balancer->s->name, ticket->balancer->workers->nelts);
    }
    return LB_NO_MEMBER;
}

/* The session's own member, at once or after waiting for it. A member without room or queue is like
 * one that cannot serve: another is elected, unless the balancer says nofailover. */
static lb_outcome_t take_or_queue(lb_ticket_t *ticket, proxy_worker *own, proxy_worker **member)
{
    if (lb_provider_take(ticket->balancer, own)) {
        *member = own;
    }
    else {
        const lb_outcome_t outcome = lb_waiting_run(ticket, own, member);
        if (outcome == LB_QUEUE_FULL && !ticket->balancer->s->sticky_force) {
            return elect_or_queue(ticket, member);
        }
        if (outcome != LB_SERVED) {
            return outcome;
        }
    }
    if (*member == own) {
        lb_provider_account(ticket, own);
    }
    return LB_SERVED;
}

/* Choose a member and take a right on it.
 * returns  LB_SERVED, else why there is none */
static lb_outcome_t choose(lb_ticket_t *ticket, lb_session_t *session, proxy_worker **member)
{
    const proxy_balancer *b = ticket->balancer;
    proxy_worker *own = lb_session_member(ticket, session);
    lb_outcome_t outcome;

    if (own) {
        outcome = take_or_queue(ticket, own, member);
    }
    else if (session->is_known && b->s->sticky_force) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, ticket->r, FCLOGNO(0421)
                      "%s: no usable member for the session (%s), and nofailover=On",
                      b->s->name, lb_session_wording(ticket, session));
        return LB_NO_MEMBER;
    }
    else {
        outcome = elect_or_queue(ticket, member);
    }
    if (outcome == LB_SERVED && lb_session_is_on(b) && !lb_session_is_at(session, *member)) {
        apr_table_setn(ticket->r->subprocess_env, "BALANCER_ROUTE_CHANGED", "1");
    }
    return outcome;
}

/* Choose a member, take a right on it, and its trial too when it is due. Of many who found it due
 * one gets it, and the others see that in the next round. */
static lb_outcome_t choose_and_hold(lb_ticket_t *ticket, lb_session_t *session)
{
    int again = 0;

    for (;;) {
        proxy_worker *member = NULL;
        const lb_outcome_t outcome = choose(ticket, session, &member);
        if (outcome != LB_SERVED) {
            return outcome;
        }
        if (!lb_health_admit(ticket, member)) {
            lb_ticket_decline(ticket, member);
            continue;
        }
        if (lb_ticket_hold(ticket, member)) {
            return LB_SERVED;
        }
        lb_health_let_go_of_trial(ticket);
        if (again++ == REMOVED_MEANWHILE_MAX) {
            return LB_NO_MEMBER;
        }
        lb_cluster_sync(ticket->balancer, ticket->r->server);
    }
}

static void log_refusal(const lb_ticket_t *ticket, lb_outcome_t outcome)
{
    const proxy_balancer *b = ticket->balancer;

    if (outcome == LB_QUEUE_FULL || outcome == LB_QUEUE_TIMEOUT) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, ticket->r, FCLOGNO(0425)
                      "%s: %s after %" APR_TIME_T_FMT " ms: %s", b->s->name,
                      lb_outcome_word(outcome), ticket->queued / 1000,
                      outcome == LB_QUEUE_FULL
                      ? "all members have maxinflight requests, and as many wait as queue= allows"
                      : "no member became free within queuetimeout");
    }
    else if (outcome == LB_CLIENT_ABORT) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, ticket->r, FCLOGNO(0426)
                      "%s: client_abort after %" APR_TIME_T_FMT " ms in the queue", b->s->name,
                      ticket->queued / 1000);
    }
}

static int refuse(const lb_ticket_t *ticket, lb_outcome_t outcome)
{
    request_rec *r = ticket->r;

    log_refusal(ticket, outcome);
    if (ticket->tries == 0) {
        lb_accounting_add_refusal(ticket, outcome);
        apr_table_setn(r->notes, "fcgi-end", lb_outcome_word(outcome));
        apr_table_setn(r->err_headers_out, "Retry-After", "1");
    }
    return HTTP_SERVICE_UNAVAILABLE;
}

/* ---- The request as the member sees it ------------------------------------------------------- */

static void tell_environment(const lb_ticket_t *ticket)
{
    apr_table_t *env = ticket->r->subprocess_env;

    apr_table_setn(env, "BALANCER_NAME", ticket->balancer->s->name);
    /* copies: the access log is written when the member may have been removed */
    apr_table_set(env, "BALANCER_WORKER_NAME", ticket->member->s->name_ex);
    apr_table_set(env, "BALANCER_WORKER_ROUTE", ticket->member->s->route);
}

/* balancer://name/path -> the member's URL with this path, canonical for its scheme. */
static int rewrite_url(const lb_ticket_t *ticket, char **url)
{
    request_rec *r = ticket->r;
    const char *path = ap_strchr_c(ticket->url + sizeof(BALANCER_PREFIX) - 1, '/');

    char *plain = apr_pstrcat(r->pool, ticket->member->s->name_ex, path, NULL);
    r->filename = apr_pstrcat(r->pool, "proxy:", plain, NULL);
    const int rc = proxy_run_canon_handler(r, plain);
    if (rc == OK) {
        *url = apr_pstrdup(r->pool, r->filename + sizeof("proxy:") - 1);
    }
    return rc;
}

static int dispatch(lb_ticket_t *ticket, char **url)
{
    lb_session_t session = lb_session_of(ticket);
    const lb_outcome_t outcome = choose_and_hold(ticket, &session);

    apr_table_setn(ticket->r->notes, "fcgi-queue-us",
                   apr_psprintf(ticket->r->pool, "%" APR_TIME_T_FMT, ticket->queued));
    if (outcome != LB_SERVED) {
        return refuse(ticket, outcome);
    }
    tell_environment(ticket);
    lb_session_tell(ticket, &session);
    const int rc = rewrite_url(ticket, url);
    if (rc != OK) {
        lb_ticket_give_back(ticket);
        lb_health_let_go_of_trial(ticket);
        return rc;
    }
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, ticket->r, FCLOGNO(0423)
                  "%s: try %d goes to %s", ticket->balancer->s->name, ticket->tries, *url);
    return OK;
}

static void end_other_scheme(lb_ticket_t *ticket, lb_outcome_t outcome)
{
    const bool was_answered = outcome != LB_CONNECT_FAILED && outcome != LB_READ_TIMEOUT;

    lb_accounting_add_other_scheme(ticket, outcome, was_answered ? ticket->r->status : 0);
    lb_ticket_give_back(ticket);
    lb_verdict_of_other_scheme(ticket, outcome);
}

int lb_dispatch_pre_request(proxy_worker **worker, proxy_balancer **balancer, request_rec *r,
                            proxy_server_conf *conf, char **url)
{
    lb_ticket_t *ticket;

    if (*balancer) {    /* mod_proxy's own loop tries again, for a scheme other than ours */
        ticket = lb_ticket_find(r);
        if (ticket->is_held) {
            end_other_scheme(ticket, LB_CONNECT_FAILED);
        }
    }
    else {
        if (ap_cstr_casecmpn(*url, BALANCER_PREFIX, sizeof(BALANCER_PREFIX) - 1) != 0) {
            return DECLINED;
        }
        *balancer = ap_proxy_get_balancer(r->pool, conf, *url, 1);
        if (!*balancer) {
            ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, FCLOGNO(0424)
                          "%s: this virtual host has no such balancer; define it in "
                          "<Proxy \"balancer://...\">", *url);
            return HTTP_INTERNAL_SERVER_ERROR;
        }
        ticket = lb_ticket_make(r, *balancer, *url);
    }
    *worker = NULL;
    lb_cluster_sync(*balancer, r->server);
    lb_drain_end_due(*balancer, r->server);
    lb_health_force_recovery(*balancer, r->server);
    const int rc = dispatch(ticket, url);
    if (rc == OK) {
        *worker = ticket->member;
    }
    return rc;
}

int lb_dispatch_post_request(proxy_worker *worker, proxy_balancer *balancer, request_rec *r,
                             proxy_server_conf *conf)
{
    lb_ticket_t *ticket = lb_ticket_find(r);

    if (!ticket || !ticket->member) {
        return OK;
    }
    if (ticket->is_held) {    /* of a scheme that knows no tickets */
        end_other_scheme(ticket, lb_verdict_outcome_of_other_scheme(ticket));
    }
    if (lb_cluster_lists(balancer, ticket->member)) {
        lb_verdict_of_answer(ticket);
    }
    return OK;
}

proxy_worker *lb_dispatch_next(lb_ticket_t *ticket, request_rec *r, char **url)
{
    const proxy_balancer *b = ticket->balancer;

    if (b->s->max_attempts_set && ticket->tries > b->s->max_attempts) {
        return NULL;
    }
    return dispatch(ticket, url) == OK ? ticket->member : NULL;
}

proxy_worker *lb_dispatch_resume(lb_ticket_t *ticket, request_rec *r, char **url)
{
    if (lb_health_is_ready(ticket->balancer, ticket->member) && lb_ticket_take_again(ticket)) {
        if (lb_health_admit(ticket, ticket->member)) {
            return ticket->member;
        }
        lb_ticket_give_back(ticket);
    }
    lb_ticket_forget_election(ticket);
    return dispatch(ticket, url) == OK ? ticket->member : NULL;
}
