/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* discovery_thread.c - see discovery_thread.h.
 *
 * Invariant: no request waits for this thread. It holds no lock while it asks, and a balancer's global
 * mutex only while slots change owners. */
#include "discovery_thread.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "apr_signal.h"
#include "apr_thread_proc.h"
#include "clock.h"
#include "discovery.h"
#include "duty.h"
#include "fastcgi_log.h"
#include "http_log.h"
#include "membership.h"
#include "resolver_settings.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

#define LOOK_AGAIN_US apr_time_from_sec(1)    /* has the process died that has the duty? */
#define TIDY_US       (200 * 1000)            /* while members wait for their last requests */

/* A source, and whose. */
typedef struct {
    const lb_balancer_t *balancer;
    const lb_source_t *source;
} asked_t;

static fc_duty_t duty;
static apr_array_header_t *sources;    /* of asked_t; in pconf */

static struct {
    apr_thread_t *thread;
    int stop_pipe[2];            /* a byte in it, or its end, stops the thread */
} asker;

int lb_discovery_thread_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                    server_rec *s)
{
    const apr_array_header_t *all = lb_balancer_all();

    sources = apr_array_make(pconf, 4, sizeof(asked_t));
    for (int i = 0; all && i < all->nelts; i++) {
        const lb_balancer_t *balancer = APR_ARRAY_IDX(all, i, lb_balancer_t *);
        for (int k = 0; balancer->owner == balancer && k < balancer->sources->nelts; k++) {
            APR_ARRAY_PUSH(sources, asked_t) =
                (asked_t){ balancer, &APR_ARRAY_IDX(balancer->sources, k, lb_source_t) };
        }
    }
    return fc_duty_open(&duty, "balancer_byrequests.discovery", s->process->pool) == APR_SUCCESS
               ? OK
               : HTTP_INTERNAL_SERVER_ERROR;
}

/* ---- A round --------------------------------------------------------------------------------- */

static apr_interval_time_t time_left(const asked_t *asked, int64_t now)
{
    return atomic_load(&asked->source->row->next_at) - now;
}

static bool is_stopping(void)
{
    struct pollfd fd = { .fd = asker.stop_pipe[0], .events = POLLIN };
    return poll(&fd, 1, 0) != 0;
}

/* due      of asked_t */
static void ask(const apr_array_header_t *due, apr_pool_t *p)
{
    lb_question_t *questions = apr_pcalloc(p, (apr_size_t)due->nelts * sizeof(*questions));
    lb_answer_t *answers = apr_pcalloc(p, (apr_size_t)due->nelts * sizeof(*answers));

    for (int i = 0; i < due->nelts; i++) {
        questions[i] = lb_discovery_question(APR_ARRAY_IDX(due, i, asked_t).source);
    }
    lb_resolver_ask(p, lb_resolver_settings(), questions, due->nelts, asker.stop_pipe[0], answers);
    for (int i = 0; i < due->nelts && !is_stopping(); i++) {
        const asked_t *asked = &APR_ARRAY_IDX(due, i, asked_t);
        lb_discovery_take(asked->balancer, asked->source, &answers[i], p);
    }
}

static void ask_due(apr_pool_t *p)
{
    apr_array_header_t *due = apr_array_make(p, sources->nelts, sizeof(asked_t));
    const int64_t now = fc_now();

    for (int i = 0; i < sources->nelts; i++) {
        const asked_t *asked = &APR_ARRAY_IDX(sources, i, asked_t);
        if (time_left(asked, now) <= 0) {
            APR_ARRAY_PUSH(due, asked_t) = *asked;
        }
    }
    if (due->nelts > 0) {
        ask(due, p);
    }
}

/* returns  us until something is to be done */
static apr_interval_time_t run_round(apr_pool_t *p)
{
    apr_interval_time_t wait = LOOK_AGAIN_US;
    int leaving = 0;

    ask_due(p);
    const int64_t now = fc_now();
    for (int i = 0; i < sources->nelts; i++) {
        const asked_t *asked = &APR_ARRAY_IDX(sources, i, asked_t);
        const apr_interval_time_t left = time_left(asked, now);
        leaving += lb_membership_free_left(asked->balancer);
        wait = left < wait ? left : wait;
    }
    wait = leaving > 0 && TIDY_US < wait ? TIDY_US : wait;
    return wait > 0 ? wait : 0;
}

/* ---- The thread ------------------------------------------------------------------------------ */

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *unused)
{
    struct pollfd stop = { .fd = asker.stop_pipe[0], .events = POLLIN };
    apr_pool_t *p;
    int wait_ms = 0;

    apr_setup_signal_thread();    /* signals are the main thread's */
    apr_pool_create(&p, NULL);
    apr_pool_tag(p, "balancer_discovery");
    while (poll(&stop, 1, wait_ms) == 0 && !fc_duty_is_outdated(&duty)) {
        wait_ms = (int)((fc_duty_take(&duty) ? run_round(p) : LOOK_AGAIN_US) / 1000) + 1;
        apr_pool_clear(p);
    }
    fc_duty_give_up(&duty);
    apr_pool_destroy(p);
    return NULL;
}

static apr_status_t stop(void *unused)
{
    apr_status_t rv;

    close(asker.stop_pipe[1]);
    apr_thread_join(&rv, asker.thread);
    close(asker.stop_pipe[0]);
    return APR_SUCCESS;
}

static apr_status_t start(apr_pool_t *pchild)
{
    if (pipe2(asker.stop_pipe, O_CLOEXEC) != 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    return apr_thread_create(&asker.thread, NULL, run, NULL, pchild);
}

void lb_discovery_thread_child_init(apr_pool_t *pchild, server_rec *s)
{
    if (!sources || sources->nelts == 0) {
        return;
    }
    const apr_status_t rv = start(pchild);
    if (rv == APR_SUCCESS) {
        apr_pool_pre_cleanup_register(pchild, NULL, stop);    /* before the members' pools end */
        return;
    }
    ap_log_error(APLOG_MARK, APLOG_WARNING, rv, s, FCLOGNO(0532)
                 "discovery: this child process cannot ask DNS");
}
