/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* discovery_thread.c - see discovery_thread.h.
 *
 * Invariant: no request waits for this thread. It holds no lock while it asks, and a balancer's
 * global mutex only while slots change owners. */
#include "discovery_thread.h"

#include <poll.h>

#include "apr_signal.h"
#include "clock.h"
#include "discovery.h"
#include "duty_task.h"
#include "duty_thread.h"
#include "fastcgi_log.h"
#include "http_log.h"
#include "membership.h"
#include "resolver_settings.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

#define AT_MOST_US    apr_time_from_sec(1)    /* without a look */
#define TIDY_US       (200 * 1000)            /* while members wait for their last requests */

/* A source, and whose; while DNS is asked, what is asked. */
typedef struct {
    const lb_balancer_t *balancer;
    const lb_source_t *source;
    apr_pool_t *p;
    lb_resolution_t *resolution;
} asked_t;

static fc_duty_t duty;
static apr_array_header_t *sources;    /* of asked_t; in pconf */

static fc_duty_thread_t asker;

int lb_discovery_thread_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                    server_rec *s)
{
    const apr_array_header_t *all = lb_balancer_all();

    sources = apr_array_make(pconf, 4, sizeof(asked_t));
    for (int i = 0; all && i < all->nelts; i++) {
        const lb_balancer_t *balancer = APR_ARRAY_IDX(all, i, lb_balancer_t *);
        for (int k = 0; balancer->owner == balancer && k < balancer->sources->nelts; k++) {
            APR_ARRAY_PUSH(sources, asked_t) =
                (asked_t){ .balancer = balancer,
                           .source = &APR_ARRAY_IDX(balancer->sources, k, lb_source_t) };
        }
    }
    return fc_duty_open(&duty, "balancer_byrequests.discovery", s->process->pool) == APR_SUCCESS
               ? OK
               : HTTP_INTERNAL_SERVER_ERROR;
}

/* ---- Asking ---------------------------------------------------------------------------------- */

static asked_t *source_at(int i)
{
    return &APR_ARRAY_IDX(sources, i, asked_t);
}

static apr_interval_time_t time_left(const asked_t *asked)
{
    return atomic_load(&asked->source->row->next_at) - fc_now();
}

static void begin(asked_t *asked, apr_pool_t *p)
{
    apr_pool_create(&asked->p, p);
    asked->resolution = lb_resolver_begin(asked->p, lb_resolver_settings(),
                                          lb_discovery_question(asked->source));
}

static void end(asked_t *asked)
{
    asked->resolution = NULL;
    apr_pool_destroy(asked->p);
}

static void take(asked_t *asked)
{
    const lb_answer_t answer = lb_resolver_answer(asked->resolution);

    lb_discovery_take(asked->balancer, asked->source, &answer, asked->p);
    end(asked);
}

/* Take the answers that are there, and ask for what is due.
 * returns  us until something is to be done, if no answer comes before */
static apr_interval_time_t run_sources(apr_pool_t *p)
{
    apr_interval_time_t wait = AT_MOST_US;
    int leaving = 0;

    for (int i = 0; i < sources->nelts; i++) {
        asked_t *asked = source_at(i);
        if (asked->resolution && lb_resolver_is_answered(asked->resolution)) {
            take(asked);
        }
        if (!asked->resolution && time_left(asked) <= 0) {
            begin(asked, p);
        }
        if (!asked->resolution && time_left(asked) < wait) {
            wait = time_left(asked);
        }
        leaving += lb_membership_free_left(asked->balancer);
    }
    return leaving > 0 && TIDY_US < wait ? TIDY_US : wait;
}

/* Until an answer comes, the time is over, or the process is to end. */
static void wait_for_answers(apr_pool_t *p, apr_interval_time_t at_most)
{
    lb_resolution_t **open = apr_palloc(p, (apr_size_t)sources->nelts * sizeof(lb_resolution_t *));
    int count = 0;

    for (int i = 0; i < sources->nelts; i++) {
        if (source_at(i)->resolution) {
            open[count++] = source_at(i)->resolution;
        }
    }
    lb_resolver_wait(p, open, count, asker.stop_pipe[0], at_most);
}

static void end_all(void)
{
    for (int i = 0; i < sources->nelts; i++) {
        if (source_at(i)->resolution) {
            end(source_at(i));
        }
    }
}

/* ---- The thread ------------------------------------------------------------------------------ */

static bool is_stopping(void)
{
    struct pollfd fd = { .fd = asker.stop_pipe[0], .events = POLLIN };
    return poll(&fd, 1, 0) != 0;
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *unused)
{
    apr_pool_t *p, *pass;    /* the thread's; for one pass */

    apr_setup_signal_thread();    /* signals are the main thread's */
    apr_pool_create(&p, NULL);
    apr_pool_tag(p, "balancer_discovery");
    apr_pool_create(&pass, p);
    while (!is_stopping()) {
        wait_for_answers(pass, run_sources(p));
        apr_pool_clear(pass);
    }
    end_all();
    apr_pool_destroy(p);
    return NULL;
}

static void say_it_cannot(apr_status_t rv)
{
    ap_log_error(APLOG_MARK, APLOG_WARNING, rv, ap_server_conf, FCLOGNO(0532)
                 "discovery: this child process cannot ask DNS");
}

static void stop(void)
{
    fc_duty_thread_tell(&asker);
    fc_duty_thread_join(&asker);
}

static bool start(void)
{
    const apr_status_t rv = fc_duty_thread_start(&asker, run);

    if (rv != APR_SUCCESS) {
        say_it_cannot(rv);
    }
    return rv == APR_SUCCESS;
}

void lb_discovery_thread_child_init(apr_pool_t *pchild, server_rec *s)
{
    static fc_duty_task_t work = { .duty = &duty, .start = start, .stop = stop };

    if (!sources || sources->nelts == 0) {
        return;
    }
    const apr_status_t rv = fc_duty_task_add(&work, pchild);
    if (rv != APR_SUCCESS) {
        say_it_cannot(rv);
    }
}
