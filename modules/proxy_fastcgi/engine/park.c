/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* park.c - see park.h. */
#include "park.h"

#include <stdatomic.h>
#include <unistd.h>

#include "ap_mpm.h"
#include "apr_portable.h"
#include "fastcgi_log.h"
#include "http_config.h"
#include "http_connection.h"
#include "http_core.h"
#include "http_log.h"
#include "http_protocol.h"
#include "http_request.h"
#include "mpm_common.h"
#include "connection_counts.h"
#include "invariant.h"
#include "scoreboard.h"
#include "watcher.h"

extern module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;
APLOG_USE_MODULE(proxy_fastcgi);

/* Where a client's connection stands. */
typedef enum {
    IDLE,        /* no request is parked */
    ARMED,       /* the handler has parked one: the worker is on its way back to the MPM */
    HANDED,      /* the MPM is told to poll the socket */
    SWAPPED      /* and the socket shows it the wait set */
} state_t;

typedef struct {
    conn_rec *c;
    apr_socket_t *socket;
    state_t state;
    bool is_inside;               /* of our own process_connection */
    bool is_closing;              /* nothing may be parked any more */
    request_rec *r;               /* who is parked, or was and goes on; NULL: nobody */
    fcgi_park_resume_t *resume;
    void *baton;
    fcgi_wait_t wait;
    fcgi_wait_set_t *set;         /* armed while it is parked */
    fcgi_watched_t watched;
    int client_fd;                /* of the client, while the socket shows the wait set */
    apr_time_t deadline;          /* of the wait, monotonic us; 0: none */
    bool has_guessed;             /* what came, the last time */
    apr_interval_time_t tick;     /* so often the MPM is to see us, or it closes the connection */
} parked_t;

static bool is_possible;          /* in this child */
static bool has_ended;
static int max_parked;
static int place = -1;            /* in connection_counts.h */
static _Atomic int parked, most_parked;

static parked_t *of_connection(const conn_rec *c)
{
    return c->master ? NULL : ap_get_module_config(c->conn_config, &proxy_fastcgi_module);
}

/* ---- Invariants ------------------------------------------------------------------------------ */

static int shown_by(const parked_t *p)
{
    apr_os_sock_t fd = -1;

    apr_os_sock_get(&fd, p->socket);
    return fd;
}

static void check(const parked_t *p)
{
    if (!FC_IS_CHECKED) {
        return;
    }
    FC_INVARIANT((p->state == IDLE) == (p->set == NULL));
    if (p->state != IDLE) {
        const int fd = fcgi_wait_set_fd(p->set);    /* -1: the MPM has closed it */
        FC_INVARIANT(p->r && p->resume && atomic_load(&parked) > 0);
        FC_INVARIANT(fd < 0 || (shown_by(p) == fd) == (p->state == SWAPPED));
        FC_INVARIANT(p->state != SWAPPED || (p->client_fd >= 0 && p->client_fd != fd));
    }
}

/* ---- The socket shows the client or the wait set --------------------------------------------- */

static void swap_in(parked_t *p)
{
    apr_os_sock_t fd = fcgi_wait_set_fd(p->set);

    p->client_fd = shown_by(p);
    apr_os_sock_put(&p->socket, &fd, p->c->pool);
    p->state = SWAPPED;
    check(p);
}

static void swap_out(parked_t *p)
{
    p->state = HANDED;
    if (shown_by(p) == fcgi_wait_set_fd(p->set)) {
        apr_os_sock_put(&p->socket, &p->client_fd, p->c->pool);
        check(p);
        return;
    }
    /* The MPM could not poll and has closed "the socket": that was the wait set, and nobody will
     * close the client's. */
    (void)fcgi_watcher_disarm(&p->watched);
    fcgi_watcher_forget(&p->watched);
    fcgi_wait_set_forget_fd(p->set);
    close(p->client_fd);
}

/* ---- Arming ---------------------------------------------------------------------------------- */

/* When the MPM is to see us at the latest; 0: never. */
static apr_time_t next_alarm(const parked_t *p)
{
    const apr_time_t next_tick = p->tick ? fc_now() + p->tick : 0;
    const bool tick_is_first = next_tick && (!p->deadline || next_tick < p->deadline);

    return tick_is_first ? next_tick : p->deadline;
}

static void count(int by)
{
    const int now = atomic_fetch_add(&parked, by) + by;
    int most = atomic_load(&most_parked);

    while (now > most && !atomic_compare_exchange_weak(&most_parked, &most, now)) {
    }
    fcgi_connection_counts_add(place, FCGI_COUNT_PARKED, by);
}

static void disarm(parked_t *p)
{
    if (p->state == SWAPPED) {
        swap_out(p);
    }
    if (p->state != IDLE) {
        (void)fcgi_watcher_disarm(&p->watched);
        fcgi_wait_set_disarm(&p->set, &p->wait);
        p->state = IDLE;
        count(-1);
    }
    check(p);
}

/* The connection's pool goes. */
static apr_status_t forget_connection(void *data)
{
    parked_t *p = data;

    disarm(p);
    fcgi_watcher_forget(&p->watched);
    return APR_SUCCESS;
}

/* ---- Parking --------------------------------------------------------------------------------- */

/* The request's pool goes. */
static apr_status_t forget_request(void *data)
{
    parked_t *p = data;

    disarm(p);
    p->r = NULL;
    return APR_SUCCESS;
}

const char *fcgi_park_obstacle(request_rec *r)
{
    const conn_rec *c = r->connection;
    const parked_t *p = is_possible ? of_connection(c) : NULL;

    if (c->master) {
        return "it is an HTTP/2 request";
    }
    if (r->main || r->prev) {    /* nobody above them understands SUSPENDED */
        return "it is part of another request (a subrequest or an internal redirect)";
    }
    if (!p || !p->is_inside || p->is_closing || p->state != IDLE || c->clogging_input_filters
        || c->aborted) {
        return "its connection does not allow it";
    }
    return atomic_load(&parked) < max_parked ? NULL : "too many are parked (ProxyFCGIPark max=)";
}

bool fcgi_park_request(request_rec *r, const fcgi_wait_t *wait, fcgi_park_resume_t *resume,
                       void *baton)
{
    parked_t *p = of_connection(r->connection);

    if (fcgi_park_obstacle(r)) {
        return false;
    }
    /* the MPM goes by the Timeout of the connection's server at first, and of the request's then */
    const apr_interval_time_t timeout = r->server->timeout < p->c->base_server->timeout
                                            ? r->server->timeout
                                            : p->c->base_server->timeout;
    p->resume = resume;
    p->baton = baton;
    p->wait = *wait;
    p->deadline = wait->timeout >= 0 ? fc_now() + wait->timeout : 0;
    p->tick = wait->timeout >= 0 && wait->timeout < timeout / 2 ? 0 : timeout / 2;
    p->set = fcgi_wait_set_arm(wait);
    if (!p->set) {
        return false;
    }
    if (!fcgi_watcher_arm(&p->watched, p->set, wait, next_alarm(p))) {
        fcgi_wait_set_disarm(&p->set, &p->wait);
        return false;
    }
    if (!p->r) {
        p->r = r;
        p->has_guessed = false;
        apr_pool_pre_cleanup_register(r->pool, p, forget_request);
    }
    p->state = ARMED;
    count(1);
    check(p);
    return true;
}

/* ---- Taking up ------------------------------------------------------------------------------- */

/* As httpd does after a handler. */
static void finish(request_rec *r, int status)
{
    if (ap_extended_status) {    /* this worker's slot does not know when the request began */
        ap_set_time_process_request(r->connection->sbh, r->request_time, r->request_time);
    }
    if (status == OK || status == DONE) {
        ap_finalize_request_protocol(r);
    }
    else {
        const int before = r->status;
        r->status = HTTP_OK;    /* else ap_die() takes it for an error within an error page */
        ap_die(status, r);
        if (r->status == HTTP_OK) {
            r->status = before;
        }
    }
    ap_process_request_after_handler(r);    /* r is gone */
}

/* returns  is the request parked again? */
static bool take_up(parked_t *p, unsigned came)
{
    request_rec *r = p->r;

    disarm(p);
    ap_update_child_status(p->c->sbh, SERVER_BUSY_WRITE, r);
    const int status = p->resume(r, p->baton, came);
    if (status == SUSPENDED) {
        return true;
    }
    apr_pool_cleanup_kill(r->pool, p, forget_request);
    p->r = NULL;
    finish(r, status);
    return false;
}

static void hand_to_mpm(parked_t *p)
{
    p->state = HANDED;
    p->c->cs->state = CONN_STATE_ASYNC_WAITIO;
    p->c->cs->sense = CONN_SENSE_WANT_READ;
}

/* Is it as good as sure that the backend has answered? Then the read tells, and not one call more.
 * Not twice: when there is nothing to be read, it was something else. */
static bool may_guess(const parked_t *p)
{
    const unsigned all = FCGI_READABLE | FCGI_WRITABLE | FCGI_CLIENT_READABLE | FCGI_CLIENT_WRITABLE
                         | FCGI_READ_TELLS;

    return !p->has_guessed && (p->wait.wanted & all) == (FCGI_READABLE | FCGI_READ_TELLS)
           && (!p->deadline || fc_now() < p->deadline);
}

static unsigned what_came(parked_t *p)
{
    const unsigned gone = fcgi_watcher_disarm(&p->watched) ? FCGI_CLIENT_GONE : 0;

    p->has_guessed = !gone && may_guess(p);
    const unsigned came = p->has_guessed ? FCGI_READABLE
                                         : gone | fcgi_wait_set_look(&p->set, &p->wait);
    return came == 0 && p->deadline && fc_now() >= p->deadline ? FCGI_TIME_IS_UP : came;
}

/* It was but the tick. */
static bool waits_on(parked_t *p)
{
    return p->set && fcgi_watcher_arm(&p->watched, p->set, &p->wait, next_alarm(p));
}

/* The MPM says that there is something. */
static void look(parked_t *p)
{
    const unsigned came = what_came(p);

    if ((came == 0 && waits_on(p)) || take_up(p, came ? came : FCGI_NO_THREAD)) {
        hand_to_mpm(p);
    }
}

/* A request was parked in this call of the other hooks. */
static void after_handler(parked_t *p)
{
    if (p->c->aborted) {    /* the MPM would close without asking us */
        p->is_closing = true;
        (void)take_up(p, FCGI_CLIENT_GONE);
    }
    else if (p->c->cs->state == CONN_STATE_SUSPENDED) {
        hand_to_mpm(p);
    }
    else {    /* pre_close() will end it */
        ap_log_cerror(APLOG_MARK, APLOG_ERR, 0, p->c, FCLOGNO(0292)
                      "a parked request was not suspended: a module does not support SUSPENDED. "
                      "Fix: ProxyFCGIPark Off");
    }
}

static parked_t *make(conn_rec *c)
{
    parked_t *p = apr_pcalloc(c->pool, sizeof(*p));

    p->c = c;
    p->socket = ap_get_conn_socket(c);
    apr_pool_pre_cleanup_register(c->pool, p, forget_connection);
    ap_set_module_config(c->conn_config, &proxy_fastcgi_module, p);
    return p;
}

/* ---- Hooks ----------------------------------------------------------------------------------- */

static int process(conn_rec *c)
{
    int rc = OK;

    if (!is_possible || c->master || !c->cs) {
        return DECLINED;
    }
    parked_t *p = of_connection(c);
    p = p ? p : make(c);
    if (p->is_inside || !p->socket) {
        return DECLINED;    /* that is the call from below: let the others do their work */
    }
    p->is_inside = true;
    if (p->state != IDLE) {
        look(p);
    }
    else {
        rc = ap_run_process_connection(c);
        if (p->state == ARMED) {
            after_handler(p);
        }
    }
    check(p);
    p->is_inside = false;
    return rc;
}

static void suspend(conn_rec *c, request_rec *r)
{
    parked_t *p = of_connection(c);

    if (p && p->state == HANDED) {
        swap_in(p);
    }
}

static void resume_connection(conn_rec *c, request_rec *r)
{
    parked_t *p = of_connection(c);

    if (p && p->state == SWAPPED) {
        swap_out(p);
    }
}

/* The connection is closed. If a request is parked, end that, so that it is logged and gives back
 * what it holds. */
static int pre_close(conn_rec *c)
{
    parked_t *p = of_connection(c);

    if (p && p->r && p->state != IDLE) {
        const conn_state_e state = c->cs->state;
        p->is_closing = true;
        c->keepalive = AP_CONN_CLOSE;
        (void)take_up(p, FCGI_CLIENT_GONE);
        c->cs->state = state;    /* the MPM counts by it */
    }
    if (p) {
        fcgi_watcher_forget(&p->watched);
    }
    return OK;
}

/* ---- The process ----------------------------------------------------------------------------- */

int fcgi_park_count(void)
{
    return atomic_load(&parked);
}

int fcgi_park_most(void)
{
    return atomic_load(&most_parked);
}

int fcgi_park_total(void)
{
    return fcgi_connection_counts_total(place, FCGI_COUNT_PARKED);
}

bool fcgi_park_mpm_can(void)
{
    int is_async = 0, can_wait = 0;

    /* at run time too: httpd may be older than its headers were */
    return ap_mpm_query(AP_MPMQ_IS_ASYNC, &is_async) == APR_SUCCESS && is_async
           && ap_mpm_query(AP_MPMQ_CAN_WAITIO, &can_wait) == APR_SUCCESS && can_wait;
}

static apr_status_t end(void *unused)
{
    is_possible = false;
    has_ended = true;
    return APR_SUCCESS;
}

bool fcgi_park_has_ended(void)
{
    return has_ended;
}

void fcgi_park_start(apr_pool_t *pchild, int max)
{
    apr_pool_pre_cleanup_register(pchild, NULL, end);
    fcgi_wait_set_start(pchild);
    is_possible = fcgi_watcher_start(pchild) == APR_SUCCESS;
    max_parked = max;
    place = fcgi_connection_counts_find("parked requests");
}

void fcgi_park_register_hooks(apr_pool_t *p)
{
    /* who stands before us would be called twice */
    ap_hook_process_connection(process, NULL, NULL, APR_HOOK_REALLY_FIRST - 100);
    /* the last to hear of a suspension, the first of its end: nobody else sees the wait set */
    ap_hook_suspend_connection(suspend, NULL, NULL, APR_HOOK_REALLY_LAST + 100);
    ap_hook_resume_connection(resume_connection, NULL, NULL, APR_HOOK_REALLY_FIRST - 100);
    ap_hook_pre_close_connection(pre_close, NULL, NULL, APR_HOOK_REALLY_FIRST - 100);
}
