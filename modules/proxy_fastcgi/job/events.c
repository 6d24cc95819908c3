/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* events.c - see events.h. */
#include "events.h"

#include "ap_mpm.h"
#include "apr_optional.h"
#include "backend.h"
#include "fastcgi_log.h"
#include "http_log.h"
#include "retry.h"

extern module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;
APLOG_USE_MODULE(proxy_fastcgi);

#define INTERIMS_MAX 100    /* interim answers of one try */

static APR_OPTIONAL_FN_TYPE(lb_ticket_abandon) *ticket_abandon;

void fcgi_events_find_balancer(void)
{
    ticket_abandon = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_abandon);
}

/* Is anybody still interested? */
static bool goes_on(const fcgi_job_t *job)
{
    return job->reply.filter_status == APR_SUCCESS
           && job->reply.slow_client.error == APR_SUCCESS
           && (!job->reply.client_is_gone || job->is_abandoned
               || job->config->ignores_client_abort > 0);
}

static void mind_slow_client(fcgi_job_t *job)
{
    const bool is_there = !job->reply.client_is_gone;

    job->pump.client_is_behind = is_there && fcgi_slow_client_is_behind(&job->reply.slow_client);
    job->pump.client_is_full = is_there && fcgi_slow_client_is_full(&job->reply.slow_client);
}

static fcgi_chunk_t next_chunk(void *baton, bool may_wait, fc_span_t *chunk, bool *last)
{
    fcgi_job_t *job = baton;
    const apr_status_t rv = fcgi_request_body_next(&job->body, may_wait, chunk, last);

    return rv == APR_SUCCESS          ? FCGI_CHUNK_READY
           : APR_STATUS_IS_EAGAIN(rv) ? FCGI_CHUNK_LATER
                                      : FCGI_CHUNK_FAILED;
}

void fcgi_events_note_slow(fcgi_job_t *job)
{
    /* a peer that has read the request works on it: it is only slow */
    job->is_waiting = !fcgi_connection_peer_has_read(job->dial.lease.connection);
    if (job->is_waiting) {
        fcgi_pool_note_waiting(job->dial.lease.pool, 1);
    }
}

static bool on_slow(void *baton)
{
    fcgi_events_note_slow(baton);
    return true;
}

/* Give the connection up only when it is sure that the request may be sent again; a peer that has
 * read it is at work. */
static bool on_guard(void *baton)
{
    fcgi_job_t *job = baton;

    if (job->is_abandoned || fcgi_connection_peer_has_read(job->dial.lease.connection)) {
        return false;
    }
    if (!fcgi_retry_may_resend(job)) {    /* many are slow: it is not the connection */
        fcgi_backend_judge_guard(job->worker, false);
        return false;
    }
    return true;
}

void fcgi_events_end_slow(fcgi_job_t *job)
{
    if (job->is_waiting) {
        job->is_waiting = false;
        fcgi_pool_note_waiting(job->dial.lease.pool, -1);
    }
}

/* Each costs memory until the request ends. */
static bool has_too_many_interims(fcgi_job_t *job, size_t head_bytes)
{
    job->interims++;
    job->interim_bytes += head_bytes;
    if (job->interims > INTERIMS_MAX) {
        job->reply.why = "too many interim responses (1xx)";
    }
    else if (job->interim_bytes > FCGI_HEAD_BYTES_MAX) {
        job->reply.head_is_too_big = true;
        job->reply.why = "the heads of its interim responses (1xx) are too big in total";
    }
    return job->reply.why != NULL;
}

static bool on_head(void *baton, fc_span_t head)
{
    fcgi_job_t *job = baton;
    bool is_interim = false;

    fcgi_events_end_slow(job);
    if (job->is_abandoned) {    /* nobody wants to know what it says */
        return false;
    }
    if (!fcgi_reply_head(&job->reply, head, &is_interim)) {
        return false;
    }
    if (is_interim) {
        fcgi_exchange_expect_another_head(&job->exchange);
        return !has_too_many_interims(job, head.bytes);
    }
    fcgi_request_body_leave(&job->body);
    if (job->reply.flushes_at_once) {
        job->pump.flush_wait = 0;
    }
    job->reply.is_held = fcgi_retry_is_answer_replaceable(job);
    return true;
}

static unsigned char *head_space(void *baton, fc_span_t so_far, size_t *bytes)
{
    fcgi_job_t *job = baton;
    return fcgi_reply_head_space(&job->reply, so_far, bytes);
}

static bool on_body(void *baton, fc_span_t piece)
{
    fcgi_job_t *job = baton;
    fcgi_reply_body(&job->reply, piece);
    return true;
}

static bool on_stderr(void *baton, fc_span_t piece)
{
    fcgi_job_t *job = baton;

    if (!fcgi_error_text_add(&job->error_text, piece)) {
        job->reply.why = "it writes too much to STDERR";
        return false;
    }
    return true;
}

static bool on_drained(void *baton)
{
    fcgi_job_t *job = baton;
    fcgi_reply_pass(&job->reply, false);
    mind_slow_client(job);
    return goes_on(job);
}

static bool on_pause(void *baton)
{
    fcgi_job_t *job = baton;
    fcgi_reply_pass(&job->reply, true);
    mind_slow_client(job);
    return goes_on(job);
}

static bool on_client_ready(void *baton)
{
    fcgi_job_t *job = baton;
    fcgi_reply_resume(&job->reply);
    mind_slow_client(job);
    return goes_on(job);
}

static bool httpd_is_stopping(void)
{
    int state;
    return ap_mpm_query(AP_MPMQ_MPM_STATE, &state) == APR_SUCCESS && state == AP_MPMQ_STOPPING;
}

/* PHP does not see that its connection was closed before it writes to it. */
static bool script_is_at_work(const fcgi_job_t *job)
{
    return job->config->backend_type != FCGI_BACKEND_GENERIC
           && fcgi_exchange_is_sent(&job->exchange) && !job->exchange.head_is_complete;
}

/* The script occupies a child of PHP-FPM: if its slot were free, the next request would wait in the
 * backlog, and would run there even if its client left.
 * returns  is the script to be waited for? */
static bool abandon(fcgi_job_t *job)
{
    if (job->is_abandoned || job->config->ignores_client_abort > 0 || !job->ticket
        || !script_is_at_work(job) || httpd_is_stopping()) {
        return false;
    }
    if (ticket_abandon(job->ticket)) {
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, job->r, FCLOGNO(0340)
                      "member %s: the client has disconnected; its slot is not free before the "
                      "response begins",
                      job->member);
        return true;
    }
    return false;
}

static bool on_client_gone(void *baton)
{
    fcgi_job_t *job = baton;
    /* A client that has all it was promised may go: END_REQUEST is no concern of its. */
    job->reply.client_is_gone = !fcgi_reply_is_delivered(&job->reply);
    job->is_abandoned = abandon(job);
    return goes_on(job);
}

const fcgi_pump_owner_t fcgi_events_owner = {
    .next_chunk = next_chunk,
    .on_head = on_head,
    .head_space = head_space,
    .on_body = on_body,
    .on_stderr = on_stderr,
    .on_drained = on_drained,
    .on_pause = on_pause,
    .on_client_ready = on_client_ready,
    .on_slow = on_slow,
    .on_guard = on_guard,
    .on_client_gone = on_client_gone,
};
