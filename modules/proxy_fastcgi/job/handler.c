/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* handler.c - see handler.h. */
#include "handler.h"

#include <stdatomic.h>

#include "ending.h"
#include "failover.h"
#include "fastcgi_log.h"
#include "http_log.h"
#include "large_reads.h"
#include "park.h"
#include "probes.h"
#include "tracing.h"
#include "try.h"
#include "wait_policy.h"
#include "worker_url.h"

extern module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;
APLOG_USE_MODULE(proxy_fastcgi);

/* The balancer's contract; NULL without the balancer. */
static APR_OPTIONAL_FN_TYPE(lb_ticket_of) *ticket_of;
static APR_OPTIONAL_FN_TYPE(lb_ticket_balancer) *ticket_balancer;
static APR_OPTIONAL_FN_TYPE(lb_ticket_release) *ticket_release;
static APR_OPTIONAL_FN_TYPE(lb_ticket_note_head) *ticket_note_head;
static APR_OPTIONAL_FN_TYPE(lb_ticket_turn) *ticket_turn;
static APR_OPTIONAL_FN_TYPE(lb_ticket_next) *ticket_next;
static APR_OPTIONAL_FN_TYPE(lb_ticket_pause) *ticket_pause;
static APR_OPTIONAL_FN_TYPE(lb_ticket_resume) *ticket_resume;
static APR_OPTIONAL_FN_TYPE(lb_ticket_may_park) *ticket_may_park;
static APR_OPTIONAL_FN_TYPE(lb_ticket_note_parked) *ticket_note_parked;

void fcgi_handler_find_balancer(void)
{
    APR_OPTIONAL_FN_TYPE(lb_handler_waits) *handler_waits =
        APR_RETRIEVE_OPTIONAL_FN(lb_handler_waits);

    ticket_of = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_of);
    ticket_balancer = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_balancer);
    ticket_release = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_release);
    ticket_note_head = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_note_head);
    ticket_turn = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_turn);
    ticket_next = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_next);
    ticket_pause = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_pause);
    ticket_resume = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_resume);
    ticket_may_park = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_may_park);
    ticket_note_parked = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_note_parked);
    if (handler_waits) {
        handler_waits("fcgi");
        handler_waits("fcgis");
    }
    fcgi_ending_find_balancer();
    fcgi_try_find_balancer();
    fcgi_worker_params_find_balancer();
    fcgi_backend_find_balancer();
}

/* ---- After a try ----------------------------------------------------------------------------- */

/* Has something come that cannot be taken back? An answer that is not one can be, and one that is
 * held, until the filters have seen of it. */
static bool was_answered(const fcgi_job_t *job, lb_outcome_t outcome)
{
    switch (outcome) {
    case LB_OVERLOADED:
    case LB_STALE:
        return false;
    case LB_SERVED:
        return !job->reply.is_held;
    case LB_BAD_RESPONSE:
        return job->reply.was_passed;
    default:
        return job->exchange.bytes_received > 0;
    }
}

static fcgi_retry_t decide(fcgi_job_t *job, lb_outcome_t outcome)
{
    fcgi_try_t failed = {
        .outcome = outcome,
        .http_status = job->reply.status,
        .retry_on = fcgi_proxy_config_retry_on(job->config),
        .may_run_twice = fcgi_try_may_run_twice(job),
        .is_replayable = fcgi_request_body_is_replayable(&job->body),
        .was_answered = was_answered(job, outcome),
        .runs = job->runs,
    };
    if (fcgi_try_is_past_deadline(job) || fcgi_failover_decide(&failed) == FCGI_GIVE_UP) {
        return FCGI_GIVE_UP;
    }
    /* only what is sent again counts; on_guard() has asked already */
    failed.is_over_budget = fcgi_failover_may_have_run(outcome)
                            && job->pump.limit != FCGI_LIMIT_GUARD
                            && !fcgi_try_was_on_stale_connection(job)
                            && !fcgi_try_may_resend(job);
    return fcgi_failover_decide(&failed);
}

static void release(fcgi_job_t *job, lb_outcome_t outcome)
{
    if (!job->ticket) {
        fcgi_backend_count_try(job->worker);
        return;
    }
    const apr_time_t first_byte_at = job->pump.first_byte_at, now = fc_now();
    const lb_measures_t measures = {
        .http_status = job->reply.status,
        .connect = job->connection_was_kept ? -1 : job->connected - job->started,
        .first_byte = first_byte_at ? first_byte_at - job->connected : -1,
        .whole = now - job->started,
        .trace_id = job->trace ? fcgi_trace_sampled_id(job->trace) : NULL,
        .ended = now,
    };
    ticket_release(job->ticket, outcome, &measures);
}

static int refuse_unusable(const fcgi_job_t *job)
{
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, job->r, FCLOGNO(0252)
                  "worker %s is disabled or stopped (status %s)",
                  ap_proxy_worker_name(job->r->pool, job->worker),
                  ap_proxy_parse_wstatus(job->r->pool, job->worker));
    return HTTP_SERVICE_UNAVAILABLE;
}

/* ---- Steps ----------------------------------------------------------------------------------- */

typedef enum {
    STEP_WAITS,      /* for job->wait */
    STEP_GOES_ON,
    STEP_WAS_LAST    /* with job->status */
} progress_t;

static progress_t end_with(fcgi_job_t *job, int status)
{
    job->status = status;
    return STEP_WAS_LAST;
}

static progress_t end_tries(fcgi_job_t *job)
{
    fcgi_reply_take_back(&job->reply);
    fcgi_slow_client_end(&job->reply.slow_client, job->outcome == LB_CLIENT_ABORT);
    fcgi_try_leave_body(job);
    fcgi_ending_leave_notes(job);
    return end_with(job, job->outcome == LB_SERVED ? fcgi_ending_of_success(job)
                                                   : fcgi_ending_of_failure(job));
}

static int check_script(fcgi_job_t *job)
{
    fcgi_script_path_find(&job->script, job->r, job->config);
    return fcgi_script_path_check(&job->script, job->r, job->config);
}

/* End it before a member was asked; whoever waits behind it need not wait for its end. */
static progress_t refuse(fcgi_job_t *job, int status)
{
    if (job->ticket) {
        ticket_pause(job->ticket);
    }
    return end_with(job, fcgi_ending_answer(job, status));
}

static progress_t hold_right(fcgi_job_t *job, const lb_turn_t *turn)
{
    if (job->tries > 0) {
        fcgi_ending_log_failure(job, APLOG_WARNING, "another member gets it");
        fcgi_request_body_rewind(&job->body);
    }
    if (job->is_queued) {
        job->is_queued = false;
        if (job->trace) {
            fcgi_trace_note_granted(job->trace);
        }
    }
    FCGI_PROBE(elected, job, turn->worker->s->name_ex);
    job->worker = turn->worker;
    job->url = turn->url ? turn->url : job->url;
    job->state = FCGI_JOB_READY;
    /* a request that waits for its turn has no path yet: the member's URL may begin with one */
    const int rc = job->script.path ? OK : check_script(job);
    return rc == OK ? STEP_GOES_ON : refuse(job, rc);
}

static progress_t wait_for_turn(fcgi_job_t *job, const lb_turn_t *turn)
{
    if (!job->is_queued) {
        job->is_queued = true;
        FCGI_PROBE(queued, job);
        if (job->trace) {
            fcgi_trace_note_queued(job->trace);
        }
    }
    job->state = FCGI_JOB_QUEUED;
    job->wait = (fcgi_wait_t){ .fd = turn->fd,
                               .client_fd = fcgi_try_client_fd(job->r),
                               .wanted = FCGI_READABLE | fcgi_try_client_may_end(job),
                               .timeout = turn->timeout };
    fcgi_try_mind_deadline(job);
    return STEP_WAITS;
}

/* What the balancer says about the request's turn. */
static progress_t mind_turn(fcgi_job_t *job, lb_turn_t turn)
{
    switch (turn.kind) {
    case LB_TURN_HELD:
        return hold_right(job, &turn);
    case LB_TURN_QUEUED:
        return wait_for_turn(job, &turn);
    default:
        return job->tries > 0 ? end_tries(job)
                              : end_with(job, fcgi_ending_answer(job, HTTP_SERVICE_UNAVAILABLE));
    }
}

/* Nobody is left to wait for its turn: a thread that waits may be the one that is needed. */
static progress_t refuse_to_wait(fcgi_job_t *job)
{
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, job->r, FCLOGNO(0290)
                  "queue_full: the request cannot be parked, and no thread is left to wait for a "
                  "member");
    if (job->tries > 0) {
        ticket_pause(job->ticket);
        return end_tries(job);
    }
    apr_table_setn(job->r->notes, "fcgi-end", lb_outcome_word(LB_QUEUE_FULL));
    return refuse(job, HTTP_SERVICE_UNAVAILABLE);
}

/* The time of all tries is over, while it waits for another member. */
static progress_t end_waiting(fcgi_job_t *job)
{
    fcgi_ending_log_failure(job, APLOG_WARNING, "it has waited for another member");
    ticket_pause(job->ticket);
    job->outcome = LB_TOTAL_TIMEOUT;
    job->why = "the request took too long (total), including the wait for another member";
    return end_tries(job);
}

static progress_t ask_for_turn(fcgi_job_t *job, unsigned came)
{
    if (came & FCGI_NO_THREAD) {
        return refuse_to_wait(job);
    }
    if (fcgi_try_is_past_deadline(job)) {
        return end_waiting(job);
    }
    if (came & FCGI_CLIENT_GONE) {
        job->r->connection->aborted = 1;
    }
    return mind_turn(job, ticket_turn(job->ticket, job->r));
}

static progress_t after_try(fcgi_job_t *job)
{
    const lb_outcome_t outcome = job->outcome;

    if (job->trace) {
        fcgi_tracing_end_try(job);
    }
    if (outcome == LB_SERVED && !job->reply.is_held) {
        release(job, outcome);    /* before the client has read it all */
        return end_tries(job);
    }
    job->runs += outcome != LB_STALE && fcgi_failover_may_have_run(outcome);
    const fcgi_retry_t retry = decide(job, outcome);

    job->wants_fresh = retry == FCGI_SAME_MEMBER;
    if (retry == FCGI_SAME_MEMBER) {
        fcgi_ending_log_failure(job, APLOG_INFO, "sent again on a new connection");
        fcgi_request_body_rewind(&job->body);
        job->state = FCGI_JOB_READY;
        return STEP_GOES_ON;
    }
    release(job, outcome);
    if (retry == FCGI_GIVE_UP || !job->ticket) {
        return end_tries(job);
    }
    if (outcome == LB_SERVED) {
        fcgi_reply_put_aside(&job->reply);
    }
    else {
        fcgi_reply_forget(&job->reply);
    }
    return mind_turn(job, ticket_next(job->ticket, job->r));
}

/* A try goes on. A long answer says with its head already that the member works. */
static progress_t wait_on(const fcgi_job_t *job)
{
    if (job->ticket && job->exchange.head_is_complete) {
        ticket_note_head(job->ticket);
    }
    return STEP_WAITS;
}

static progress_t begin_try(fcgi_job_t *job)
{
    if (job->tries == 0) {
        const apr_interval_time_t total = fcgi_backend_params(job->worker)->total;
        job->deadline = total > 0 ? fc_now() + total : 0;
    }
    return fcgi_try_begin(job) ? after_try(job) : wait_on(job);
}

static progress_t step(fcgi_job_t *job, unsigned came)
{
    switch (job->state) {
    case FCGI_JOB_QUEUED:
        return ask_for_turn(job, came);
    case FCGI_JOB_READY:
        return begin_try(job);
    default:
        return fcgi_try_go_on(job, came) ? after_try(job) : wait_on(job);
    }
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
static int drive(fcgi_job_t *job, progress_t progress)
{
    while (progress != STEP_WAS_LAST) {
        unsigned came = 0;
        if (progress == STEP_WAITS) {
            const fcgi_wait_policy_case_t waiting = case_of(job);
            came = fcgi_wait_policy_wait(&waiting);
            if (came == 0) {
                return SUSPENDED;
            }
        }
        progress = step(job, came);
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
    const int status = drive(job, step(job, came));
    return status == SUSPENDED ? SUSPENDED : leave_mod_proxy(job, status);
}

/* ---- The begin ------------------------------------------------------------------------------- */

/* Have the request body as it is wanted before a backend is asked. While a slow client uploads, no
 * right on a member is held, and nobody waits for one.
 * turn   what the balancer says, when there is one */
static int prepare_body(fcgi_job_t *job, lb_turn_t *turn)
{
    const fcgi_request_body_rules_t rules = {
        .spools = job->config->body_mode != FCGI_BODY_STREAM,
        .spools_unknown = job->config->backend_type != FCGI_BACKEND_GENERIC,
        .streams_over_limit = job->config->streams_over_limit > 0,
        .limit = fcgi_proxy_config_spool_limit(job->config),
        .memory = fcgi_proxy_config_spool_memory(job->config),
    };
    int rc = fcgi_request_body_begin(&job->body, job->r, &rules);

    if (rc != OK || !job->body.must_wait) {
        return rc;
    }
    if (job->ticket) {
        ticket_pause(job->ticket);
    }
    rc = fcgi_request_body_spool(&job->body);
    if (rc == OK && job->ticket) {
        *turn = ticket_resume(job->ticket, job->r);
    }
    return rc;
}

static void note_broken_body(const fcgi_job_t *job, int rc)
{
    if (rc != OK) {
        apr_table_setn(job->r->notes, "fcgi-end",
                       lb_outcome_word(job->body.source.has_failed ? LB_FILE_ERROR
                                                                   : LB_CLIENT_ERROR));
    }
}

/* As many are parked as may be, and overflow=refuse. */
static progress_t refuse_crowd(fcgi_job_t *job)
{
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, job->r, FCLOGNO(0291)
                  "queue_full: the number of parked requests has reached ProxyFCGIPark max=");
    apr_table_setn(job->r->notes, "fcgi-end", lb_outcome_word(LB_QUEUE_FULL));
    return refuse(job, HTTP_SERVICE_UNAVAILABLE);
}

/* All that can be done before a member is asked. */
static progress_t prepare(fcgi_job_t *job)
{
    lb_turn_t turn = { .kind = LB_TURN_HELD, .worker = job->worker };

    if (fcgi_wait_policy_is_crowded()) {
        return refuse_crowd(job);
    }
    if (job->ticket) {
        turn = ticket_turn(job->ticket, job->r);
    }
    if (turn.kind == LB_TURN_REFUSED) {    /* to resume it after its body would ask again */
        return mind_turn(job, turn);
    }
    int rc = turn.kind == LB_TURN_HELD ? check_script(job) : OK;
    if (rc == OK) {
        rc = prepare_body(job, &turn);
        note_broken_body(job, rc);
    }
    return rc == OK ? mind_turn(job, turn) : refuse(job, rc);
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
    return drive(job, prepare(job));
}
