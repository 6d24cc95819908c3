/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* handler.c - see handler.h. */
#include "handler.h"

#include <stdatomic.h>

#include "ending.h"
#include "events.h"
#include "fastcgi_log.h"
#include "http_log.h"
#include "large_reads.h"
#include "park.h"
#include "probes.h"
#include "retry.h"
#include "steps.h"
#include "tracing.h"
#include "try.h"
#include "wait_policy.h"
#include "worker_url.h"

extern module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;
APLOG_USE_MODULE(proxy_fastcgi);

/* The balancer's contract; NULL without the balancer. */
static APR_OPTIONAL_FN_TYPE(lb_ticket_of) *ticket_of;
static APR_OPTIONAL_FN_TYPE(lb_ticket_balancer) *ticket_balancer;
static APR_OPTIONAL_FN_TYPE(lb_ticket_may_park) *ticket_may_park;
static APR_OPTIONAL_FN_TYPE(lb_ticket_note_parked) *ticket_note_parked;

void fcgi_handler_find_balancer(void)
{
    APR_OPTIONAL_FN_TYPE(lb_handler_waits) *handler_waits =
        APR_RETRIEVE_OPTIONAL_FN(lb_handler_waits);

    ticket_of = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_of);
    ticket_balancer = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_balancer);
    ticket_may_park = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_may_park);
    ticket_note_parked = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_note_parked);
    if (handler_waits) {
        handler_waits("fcgi");
        handler_waits("fcgis");
    }
    fcgi_steps_find_balancer();
    fcgi_ending_find_balancer();
    fcgi_retry_find_balancer();
    fcgi_events_find_balancer();
    fcgi_worker_params_find_balancer();
    fcgi_backend_find_balancer();
}

/* ---- The drivers: who waits in its thread, and who without one ------------------------------- */

static int resume(request_rec *r, void *baton, unsigned came);

static apr_status_t abandon(void *job)
{
    if (!fcgi_park_has_ended()) {
        fcgi_try_abandon(job);
    }
    return APR_SUCCESS;
}

static void note_parked(const fcgi_job_t *job, int by)
{
    if (job->ticket) {
        ticket_note_parked(job->ticket, by);
    }
}

/* Waits for what other requests hold, which may be parked. */
static bool waits_for_right(const fcgi_job_t *job)
{
    return job->state == FCGI_JOB_QUEUED
           || (job->state == FCGI_JOB_CONNECTING && fcgi_dial_waits_for_right(&job->dial));
}

/* Why this wait needs the thread; NULL: it does not. */
static const char *obstacle_of(const fcgi_job_t *job)
{
    if (job->wait.wanted & FCGI_CLIENT_READABLE) {
        /* what is half read has its own clock (RequestReadTimeout), which nobody would serve */
        return "its body is streamed";
    }
    if (job->ticket && !ticket_may_park(job->ticket)) {
        return "its balancer has members of other schemes too";
    }
    return fcgi_park_obstacle(job->r);
}

static void say_once(const fcgi_job_t *job, const char *obstacle)
{
    static atomic_flag was_said = ATOMIC_FLAG_INIT;

    if (!atomic_flag_test_and_set(&was_said)) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, job->r, FCLOGNO(0296)
                      "this request waits in its thread: %s (logged once per process)",
                      obstacle);
    }
}

static bool park(void *baton)
{
    fcgi_job_t *job = baton;
    const char *obstacle = obstacle_of(job);

    if (obstacle) {
        say_once(job, obstacle);
        return false;
    }
    fcgi_try_give_buffer_back(job);
    if (job->state == FCGI_JOB_EXCHANGING) {
        job->wait.wanted |= FCGI_READ_TELLS;
    }
    if (!fcgi_park_request(job->r, &job->wait, resume, job)) {
        return false;
    }
    if (!job->was_parked) {
        job->was_parked = true;
        apr_pool_cleanup_register(job->r->pool, job, abandon, apr_pool_cleanup_null);
    }
    note_parked(job, 1);
    FCGI_PROBE(parked, job);
    return true;
}

static fcgi_wait_policy_case_t case_of(fcgi_job_t *job)
{
    return (fcgi_wait_policy_case_t){
        .wait = &job->wait,
        .is_for_right = waits_for_right(job),
        .usual = fcgi_try_waits_for_first_byte(job) ? fcgi_backend_usual_first_byte(job->worker)
                                                    : 0,
        .read_ahead = fcgi_try_may_read_ahead(job) ? fcgi_try_read_ahead : NULL,
        .park = park,
        .baton = job,
    };
}

/* Step by step, until the request is answered or parked.
 * progress   of the last step */
static int drive(fcgi_job_t *job, fcgi_progress_t progress)
{
    while (progress != FCGI_STEP_WAS_LAST) {
        unsigned came = 0;
        if (progress == FCGI_STEP_WAITS) {
            const fcgi_wait_policy_case_t waiting = case_of(job);
            came = fcgi_wait_policy_wait(&waiting);
            if (came == 0) {
                return SUSPENDED;
            }
        }
        progress = fcgi_steps_next(job, came);
    }
    fcgi_try_give_buffer_back(job);
    FCGI_PROBE(end, job, job->member ? job->member : "",
               job->member ? lb_outcome_word(job->outcome) : "", job->tries, job->status);
    return job->status;
}

/* mod_proxy has left the request when it was parked: what it does at the end is to be done here. */
static int leave_mod_proxy(fcgi_job_t *job, int status)
{
    request_rec *r = job->r;
    const int before = r->status;

    if (status != OK && status != DONE) {
        r->status = status;
    }
    if (job->ticket) {
        ap_proxy_post_request(job->worker, ticket_balancer(job->ticket), r, job->conf);
    }
    if (r->status == status) {
        r->status = before;
    }
    proxy_run_request_status(&status, r);
    return status;
}

/* A worker takes the parked request up. */
static int resume(request_rec *r, void *baton, unsigned came)
{
    fcgi_job_t *job = baton;

    note_parked(job, -1);
    FCGI_PROBE(resumed, job);
    const int status = drive(job, fcgi_steps_next(job, came));
    return status == SUSPENDED ? SUSPENDED : leave_mod_proxy(job, status);
}

/* ---- The begin ------------------------------------------------------------------------------- */

static int refuse_unusable(const fcgi_job_t *job)
{
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, job->r, FCLOGNO(0252)
                  "worker %s is disabled or stopped (status %s)",
                  ap_proxy_worker_name(job->r->pool, job->worker),
                  ap_proxy_parse_wstatus(job->r->pool, job->worker));
    return HTTP_SERVICE_UNAVAILABLE;
}

static fcgi_job_t *make_job(request_rec *r, proxy_worker *worker, proxy_server_conf *conf,
                            char *url)
{
    fcgi_job_t *job = apr_pcalloc(r->pool, sizeof(*job));

    job->r = r;
    job->conf = conf;
    job->worker = worker;
    job->url = url;
    job->why = "";
    job->config = fcgi_proxy_config_of(r);
    job->ticket = ticket_of ? ticket_of(r) : NULL;
    job->trace = fcgi_tracing_of(r, job->config);
    return job;
}

int fcgi_handler_run(request_rec *r, proxy_worker *worker, proxy_server_conf *conf, char *url,
                     const char *proxyname, apr_port_t proxyport)
{
    if (!fc_worker_url_is_fastcgi(url)) {
        return DECLINED;
    }
    fcgi_large_reads_free_used(r->connection);
    fcgi_job_t *job = make_job(r, worker, conf, url);
    FCGI_PROBE(begin, job, r->method, r->uri);
    if (!job->ticket && !PROXY_WORKER_IS_USABLE(worker)) {
        return refuse_unusable(job);
    }
    return drive(job, fcgi_steps_first(job));
}
