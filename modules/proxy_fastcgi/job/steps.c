/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* steps.c - see steps.h. */
#include "steps.h"

#include "apr_optional.h"
#include "ending.h"
#include "fastcgi_log.h"
#include "http_log.h"
#include "probes.h"
#include "retry.h"
#include "tracing.h"
#include "try.h"
#include "wait_policy.h"

extern module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;
APLOG_USE_MODULE(proxy_fastcgi);

/* The balancer's contract, for jobs with a ticket. */
static APR_OPTIONAL_FN_TYPE(lb_ticket_release) *ticket_release;
static APR_OPTIONAL_FN_TYPE(lb_ticket_note_head) *ticket_note_head;
static APR_OPTIONAL_FN_TYPE(lb_ticket_turn) *ticket_turn;
static APR_OPTIONAL_FN_TYPE(lb_ticket_next) *ticket_next;
static APR_OPTIONAL_FN_TYPE(lb_ticket_pause) *ticket_pause;
static APR_OPTIONAL_FN_TYPE(lb_ticket_resume) *ticket_resume;

void fcgi_steps_find_balancer(void)
{
    ticket_release = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_release);
    ticket_note_head = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_note_head);
    ticket_turn = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_turn);
    ticket_next = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_next);
    ticket_pause = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_pause);
    ticket_resume = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_resume);
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

/* ---- Ends ------------------------------------------------------------------------------------ */

static fcgi_progress_t end_with(fcgi_job_t *job, int status)
{
    job->status = status;
    return FCGI_STEP_WAS_LAST;
}

static fcgi_progress_t end_tries(fcgi_job_t *job)
{
    fcgi_reply_take_back(&job->reply);
    fcgi_slow_client_end(&job->reply.slow_client, job->outcome == LB_CLIENT_ABORT);
    fcgi_request_body_leave(&job->body);
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
static fcgi_progress_t refuse(fcgi_job_t *job, int status)
{
    if (job->ticket) {
        ticket_pause(job->ticket);
    }
    return end_with(job, fcgi_ending_answer(job, status));
}

static fcgi_progress_t hold_right(fcgi_job_t *job, const lb_turn_t *turn)
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
    return rc == OK ? FCGI_STEP_GOES_ON : refuse(job, rc);
}

static fcgi_progress_t wait_for_turn(fcgi_job_t *job, const lb_turn_t *turn)
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
    return FCGI_STEP_WAITS;
}

/* What the balancer says about the request's turn. */
static fcgi_progress_t mind_turn(fcgi_job_t *job, lb_turn_t turn)
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
static fcgi_progress_t refuse_to_wait(fcgi_job_t *job)
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
static fcgi_progress_t end_waiting(fcgi_job_t *job)
{
    fcgi_ending_log_failure(job, APLOG_WARNING, "it has waited for another member");
    ticket_pause(job->ticket);
    job->outcome = LB_TOTAL_TIMEOUT;
    job->why = "the request took too long (total), including the wait for another member";
    return end_tries(job);
}

static fcgi_progress_t ask_for_turn(fcgi_job_t *job, unsigned came)
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

static fcgi_progress_t after_try(fcgi_job_t *job)
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
    const fcgi_retry_t retry = fcgi_try_is_past_deadline(job) ? FCGI_GIVE_UP
                                                              : fcgi_retry_decide(job);

    job->wants_fresh = retry == FCGI_SAME_MEMBER;
    if (retry == FCGI_SAME_MEMBER) {
        fcgi_ending_log_failure(job, APLOG_INFO, "sent again on a new connection");
        fcgi_request_body_rewind(&job->body);
        job->state = FCGI_JOB_READY;
        return FCGI_STEP_GOES_ON;
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
static fcgi_progress_t wait_on(const fcgi_job_t *job)
{
    if (job->ticket && job->exchange.head_is_complete) {
        ticket_note_head(job->ticket);
    }
    return FCGI_STEP_WAITS;
}

static fcgi_progress_t begin_try(fcgi_job_t *job)
{
    if (job->tries == 0) {
        const apr_interval_time_t total = fcgi_backend_params(job->worker)->total;
        job->deadline = total > 0 ? fc_now() + total : 0;
    }
    return fcgi_try_begin(job) ? after_try(job) : wait_on(job);
}

fcgi_progress_t fcgi_steps_next(fcgi_job_t *job, unsigned came)
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

/* ---- The first step -------------------------------------------------------------------------- */

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
static fcgi_progress_t refuse_crowd(fcgi_job_t *job)
{
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, job->r, FCLOGNO(0291)
                  "queue_full: the number of parked requests has reached ProxyFCGIPark max=");
    apr_table_setn(job->r->notes, "fcgi-end", lb_outcome_word(LB_QUEUE_FULL));
    return refuse(job, HTTP_SERVICE_UNAVAILABLE);
}

/* All that can be done before a member is asked. */
fcgi_progress_t fcgi_steps_first(fcgi_job_t *job)
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
