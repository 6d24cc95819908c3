/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* outcome.c - see outcome.h. */
#include "outcome.h"

#include "apr_strings.h"

#define EXCERPT_BYTES 256    /* of an unfinished head, in the log */

/* Of ours: what it held of the request or of the answer is lost. */
static bool file_has_failed(fcgi_job_t *job)
{
    const bool has_failed =
        job->body.source.has_failed || job->reply.slow_client.error != APR_SUCCESS;

    if (has_failed) {
        job->why = "a temporary file cannot be read";
    }
    return has_failed;
}

lb_outcome_t fcgi_outcome_of_output(fcgi_job_t *job)
{
    if (file_has_failed(job)) {
        return LB_FILE_ERROR;
    }
    if (job->reply.filter_status != APR_SUCCESS) {
        job->why = "an output filter of httpd has failed";
        return LB_FILTER_ERROR;
    }
    return job->reply.client_is_gone ? LB_CLIENT_ABORT : LB_SERVED;
}

static lb_outcome_t stopped_outcome(fcgi_job_t *job)
{
    if (job->reply.why) {
        job->why = job->reply.why;
        return job->reply.head_is_too_big ? LB_TOO_BIG_HEADER : LB_BAD_RESPONSE;
    }
    const lb_outcome_t outcome = fcgi_outcome_of_output(job);
    if (outcome != LB_SERVED) {
        return outcome;
    }
    if (job->r->connection->aborted) {
        return LB_CLIENT_ABORT;
    }
    job->why = "the request body could not be read from the client";
    return LB_CLIENT_ERROR;
}

static lb_outcome_t ended_outcome(fcgi_job_t *job)
{
    const fcgi_exchange_t *x = &job->exchange;

    if (x->head_is_complete) {
        if (!fcgi_reply_is_short(&job->reply)) {
            return LB_SERVED;
        }
        job->why = job->reply.why;
        return LB_BAD_RESPONSE;
    }
    if (x->protocol_status == FCGI_OVERLOADED) {
        job->why = "the backend reports that it is overloaded";
        return LB_OVERLOADED;
    }
    fc_span_t head = fcgi_exchange_head_so_far(x);
    head.bytes = head.bytes < EXCERPT_BYTES ? head.bytes : EXCERPT_BYTES;
    const char *excerpt =
        head.bytes ? apr_pstrmemdup(job->r->pool, (const char *)head.at, head.bytes) : "";
    job->why = apr_psprintf(job->r->pool, "the backend ended the request without a full response "
                                          "head (protocolStatus %d, appStatus %u%s%s%s)",
                            x->protocol_status,
                            x->app_status, *excerpt ? "; it began: '" : "",
                            excerpt, *excerpt ? "'" : "");
    return LB_BAD_RESPONSE;
}

static lb_outcome_t timeout_outcome(fcgi_job_t *job)
{
    switch (job->pump.limit) {
    case FCGI_LIMIT_FIRST_BYTE:
        job->why = "no response in time (firstbyte, timeout)";
        return LB_FIRST_BYTE_TIMEOUT;
    case FCGI_LIMIT_TOTAL:
        job->why = "the request took too long (total)";
        return LB_TOTAL_TIMEOUT;
    case FCGI_LIMIT_CLIENT:
        job->why = "the client sent its request body too slowly (Timeout, minrate)";
        job->body.error = APR_TIMEUP;
        return LB_CLIENT_ERROR;
    case FCGI_LIMIT_READER:
        job->why = "the client stopped reading the response (Timeout)";
        return LB_CLIENT_ABORT;
    case FCGI_LIMIT_GUARD:
        job->why = "no response on a kept connection: its peer may still be busy";
        return LB_STALE;
    default:
        job->why = "the backend was silent for too long (timeout)";
        return fcgi_exchange_is_sent(&job->exchange) ? LB_READ_TIMEOUT : LB_WRITE_TIMEOUT;
    }
}

/* Did the kept connection end before the backend said anything to this request? In one that nobody
 * had looked at, something of the request before it may have been left over. */
static bool is_stale(const fcgi_job_t *job)
{
    const fcgi_exchange_t *x = &job->exchange;

    return job->connection_was_kept
           && (job->connection_is_unproven ? x->content_bytes : x->bytes_received) == 0;
}

/* The one place where a status of the engine becomes an outcome. */
lb_outcome_t fcgi_outcome_of_exchange(fcgi_job_t *job, apr_status_t rv)
{
    if (file_has_failed(job)) {
        return LB_FILE_ERROR;
    }
    if (job->is_abandoned) {
        return LB_CLIENT_ABORT;    /* whatever the script has made of it */
    }
    if (job->pump.stopped_by_owner) {
        return stopped_outcome(job);
    }
    if (rv == APR_SUCCESS) {
        return ended_outcome(job);
    }
    if (APR_STATUS_IS_TIMEUP(rv)) {
        return timeout_outcome(job);
    }
    if (rv == APR_EGENERAL) {
        job->why = fcgi_exchange_reason_text(job->exchange.reason);
        return job->connection_is_unproven && is_stale(job) ? LB_STALE : LB_PROTOCOL;
    }
    job->why = fcgi_backend_loss_of(job->connection_was_kept ? NULL : job->dial.shown, rv,
                                    job->exchange.bytes_received == 0);
    return is_stale(job) ? LB_STALE : LB_BACKEND_EOF;
}
