/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* dispatch.c - see dispatch.h. */
#include "dispatch.h"

#include <poll.h>

#include "accounting.h"
#include "apr_portable.h"
#include "apr_strings.h"
#include "blame.h"
#include "choice.h"
#include "clock.h"
#include "drain.h"
#include "fastcgi_log.h"
#include "gate.h"
#include "health.h"
#include "holding.h"
#include "http_core.h"
#include "http_log.h"
#include "session.h"
#include "slate.h"
#include "waiting.h"
#include "waiting_schemes.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

/* How often a request that waits for a usable member (the balancer's timeout) looks again: at
 * first, and at last. */
#define LOOK_AGAIN_US      (20 * 1000)
#define LOOK_AGAIN_LAST_US (250 * 1000)

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

/* returns  NULL: it was not the queue */
static const char *why_refused(lb_outcome_t outcome)
{
    switch (outcome) {
    case LB_QUEUE_FULL:
        return "all members have maxinflight requests, and the queue is full (queue=)";
    case LB_QUEUE_TIMEOUT:
        return "no member had room in time (queuetimeout, twice queuetarget if the queue is "
               "standing, or the client's own limit)";
    case LB_NO_TIME:
        return "the estimated wait exceeds queuetimeout or the client's own limit";
    case LB_SHED:
        return "the queue is full, and a more important request took its place";
    default:
        return NULL;
    }
}

static void log_refusal(const lb_ticket_t *ticket, lb_outcome_t outcome)
{
    const char *balancer = ticket->proxy->s->name;
    const char *why = why_refused(outcome);

    if (why) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, ticket->r, FCLOGNO(0425)
                      "%s: %s after %" APR_TIME_T_FMT " ms: %s", balancer,
                      lb_outcome_word(outcome), ticket->queued / 1000, why);
    }
    else if (outcome == LB_CLIENT_ABORT) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, ticket->r, FCLOGNO(0426)
                      "%s: client_abort after %" APR_TIME_T_FMT " ms in the queue", balancer,
                      ticket->queued / 1000);
    }
}

int lb_dispatch_retry_after(const lb_ticket_t *ticket)
{
    uint32_t random;

    ap_random_insecure_bytes(&random, sizeof(random));
    return lb_wait_retry_after(lb_gate_outlook(ticket->balancer, NULL).estimate, random);
}

bool lb_dispatch_may_resend(const lb_ticket_t *ticket)
{
    return lb_admission_may_resend(ticket->balancer->ledger->table,
                                   lb_balancer_index(ticket->balancer), fc_now());
}

static int refuse(const lb_ticket_t *ticket, lb_outcome_t outcome)
{
    request_rec *r = ticket->r;

    log_refusal(ticket, outcome);
    if (ticket->tries == 0) {
        lb_accounting_add_refusal(ticket, outcome);
        apr_table_setn(r->notes, "fcgi-end", lb_outcome_word(outcome));
        apr_table_setn(r->err_headers_out, "Retry-After",
                       apr_itoa(r->pool, lb_dispatch_retry_after(ticket)));
    }
    return HTTP_SERVICE_UNAVAILABLE;
}

/* ---- The request as the member sees it ------------------------------------------------------- */

static void tell_environment(const lb_ticket_t *ticket)
{
    apr_table_t *env = ticket->r->subprocess_env;
    apr_pool_t *p = ticket->r->pool;

    apr_table_setn(env, "BALANCER_NAME", ticket->proxy->s->name);
    /* copies: the access log is written when the member may have been removed */
    apr_table_setn(env, "BALANCER_WORKER_NAME", apr_pstrdup(p, ticket->member.worker->s->name_ex));
    apr_table_setn(env, "BALANCER_WORKER_ROUTE", apr_pstrdup(p, ticket->member.worker->s->route));
}

/* balancer://name/path -> the member's URL with this path, canonical for its scheme. */
static int rewrite_url(const lb_ticket_t *ticket, const proxy_worker *worker, char **url)
{
    request_rec *r = ticket->r;
    const char *path = ap_strchr_c(ticket->url + sizeof(BALANCER_PREFIX) - 1, '/');

    r->filename = apr_pstrcat(r->pool, "proxy:", worker->s->name_ex, path, NULL);
    const int rc =
        proxy_run_canon_handler(r, apr_pstrdup(r->pool, r->filename + sizeof("proxy:") - 1));
    if (rc == OK) {
        *url = apr_pstrdup(r->pool, r->filename + sizeof("proxy:") - 1);
    }
    return rc;
}

/* The ticket holds a right: tell the request.
 * returns  OK, or the status of a URL that the member's scheme does not take */
static int go_to_member(lb_ticket_t *ticket, char **url)
{
    tell_environment(ticket);
    lb_session_tell(ticket, ticket->session);
    const int rc = rewrite_url(ticket, ticket->member.worker, url);
    if (rc != OK) {
        lb_health_let_go_of_trial(&ticket->trial);
        lb_holding_give_back(ticket);
        return rc;
    }
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, ticket->r, FCLOGNO(0423)
                  "%s: try %d goes to %s", ticket->proxy->s->name, ticket->tries, *url);
    return OK;
}

/* returns  OK: a right is held; SUSPENDED: the request waits; else a status */
static int dispatch(lb_ticket_t *ticket, char **url)
{
    if (!ticket->place && ticket->patient_until == 0) {    /* else it has begun already */
        lb_choice_begin(ticket);
    }
    const lb_outcome_t outcome = lb_choice_make(ticket);

    if (outcome == LB_CHOICE_WAITS) {
        return SUSPENDED;
    }
    ticket->patient_until = 0;
    apr_table_setn(ticket->r->notes, "fcgi-queue-us",
                   ticket->queued > 0 ? apr_off_t_toa(ticket->r->pool, ticket->queued) : "0");
    return outcome == LB_SERVED ? go_to_member(ticket, url) : refuse(ticket, outcome);
}

/* ---- Waiting for its turn -------------------------------------------------------------------- */

/* us until it is worth another look */
static apr_interval_time_t patience(const lb_ticket_t *ticket)
{
    if (ticket->place) {
        return lb_waiting_patience(ticket);
    }
    const apr_interval_time_t left = ticket->patient_until - fc_now();
    apr_interval_time_t pause = (ticket->proxy->s->timeout - left) / 8;

    pause = pause < LOOK_AGAIN_US        ? LOOK_AGAIN_US
            : pause > LOOK_AGAIN_LAST_US ? LOOK_AGAIN_LAST_US
                                         : pause;
    return left < pause ? (left > 0 ? left : 0) : pause;
}

/* In the thread, for handlers that know no tickets. */
static void wait_in_thread(const lb_ticket_t *ticket)
{
    conn_rec *c = ticket->r->connection;
    apr_os_sock_t client = -1;

    if (!c->master) {    /* an HTTP/2 stream has no socket of its own */
        apr_os_sock_get(&client, ap_get_conn_socket(c));
    }
    struct pollfd fds[2] = { { .fd = ticket->place ? ticket->place->bell : -1, .events = POLLIN },
                             { .fd = client, .events = POLLRDHUP } };
    if (poll(fds, 2, (int)(patience(ticket) / 1000) + 1) > 0
        && (fds[1].revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0) {
        c->aborted = 1;
    }
}

static lb_turn_t turn_of(lb_ticket_t *ticket)
{
    lb_turn_t turn = { .kind = LB_TURN_REFUSED, .fd = -1 };
    const int rc = dispatch(ticket, &turn.url);

    if (rc == OK) {
        turn.kind = LB_TURN_HELD;
        turn.worker = ticket->member.worker;
    }
    else if (rc == SUSPENDED) {
        turn.kind = LB_TURN_QUEUED;
        turn.fd = ticket->place ? ticket->place->bell : -1;
        turn.timeout = patience(ticket);
    }
    return turn;
}

lb_turn_t lb_dispatch_turn(lb_ticket_t *ticket, request_rec *r)
{
    return ticket->is_held ? (lb_turn_t){ .kind = LB_TURN_HELD, .worker = ticket->member.worker }
                           : turn_of(ticket);
}

/* The handler will wait: any member's worker stands for the one to come, or that of a source, so
 * that mod_proxy finds it.
 * returns  NULL when it has to be waited here */
static proxy_worker *for_the_time_being(const lb_balancer_t *balancer)
{
    lb_member_t first;
    int i = 0;

    if (!lb_waiting_schemes_are_all_of(balancer)) {
        return NULL;
    }
    return lb_member_next(balancer, &i, &first) ? first.worker : lb_source_any(balancer->sources);
}

static int dispatch_or_wait(lb_ticket_t *ticket, proxy_worker **worker, char **url)
{
    int rc = dispatch(ticket, url);
    proxy_worker *any = rc == SUSPENDED ? for_the_time_being(ticket->balancer) : NULL;

    if (any) {
        *worker = any;
        return rewrite_url(ticket, any, url);
    }
    while (rc == SUSPENDED) {
        wait_in_thread(ticket);
        rc = dispatch(ticket, url);
    }
    *worker = rc == OK ? ticket->member.worker : NULL;
    return rc;
}

static void end_other_scheme(lb_ticket_t *ticket, lb_outcome_t outcome)
{
    const bool was_answered = outcome != LB_CONNECT_FAILED && outcome != LB_READ_TIMEOUT;

    lb_accounting_add_other_scheme(ticket, outcome, was_answered ? ticket->r->status : 0);
    lb_blame_of_other_scheme(ticket, outcome);
    ticket->is_abandoned = outcome == LB_CLIENT_ABORT;
    lb_holding_give_back(ticket);
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
                          "<Proxy \"balancer://...\">",
                          *url);
            return HTTP_INTERNAL_SERVER_ERROR;
        }
        ticket = lb_holding_begin(r, *balancer, *url);
    }
    *worker = NULL;
    lb_balancer_sync(*balancer, r->server);
    if (lb_slate_any_drains(ticket->balancer)) {
        lb_drain_end_due(ticket->balancer, r->server);
    }
    return dispatch_or_wait(ticket, worker, url);
}

int lb_dispatch_post_request(proxy_worker *worker, proxy_balancer *balancer, request_rec *r,
                             proxy_server_conf *conf)
{
    lb_ticket_t *ticket = lb_ticket_find(r);

    if (!ticket || !ticket->member.worker || ticket->is_parked) {    /* parked: not the end */
        return OK;
    }
    if (ticket->is_held) {    /* of a scheme that knows no tickets */
        end_other_scheme(ticket, lb_blame_outcome_of_other_scheme(ticket));
    }
    if (lb_member_is_listed(&ticket->member)) {
        lb_blame_of_answer(ticket);
    }
    return OK;
}

lb_turn_t lb_dispatch_next(lb_ticket_t *ticket, request_rec *r)
{
    const proxy_balancer_shared *s = ticket->proxy->s;

    if (s->max_attempts_set && ticket->tries > s->max_attempts) {
        return (lb_turn_t){ .kind = LB_TURN_REFUSED };
    }
    return turn_of(ticket);
}

void lb_dispatch_pause(lb_ticket_t *ticket)
{
    lb_waiting_leave(ticket);
    ticket->patient_until = 0;
    lb_health_let_go_of_trial(&ticket->trial);
    lb_holding_give_back(ticket);
}

lb_turn_t lb_dispatch_resume(lb_ticket_t *ticket, request_rec *r)
{
    if (!ticket->member.worker) {    /* it had not come to its turn */
        return turn_of(ticket);
    }
    if (lb_health_is_ready(&ticket->member) && lb_holding_take_again(ticket)) {
        if (lb_health_admit(&ticket->trial, &ticket->member)) {
            return (lb_turn_t){ .kind = LB_TURN_HELD, .worker = ticket->member.worker };
        }
        lb_holding_give_back(ticket);
    }
    lb_holding_forget_election(ticket);
    return turn_of(ticket);
}
