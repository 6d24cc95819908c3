/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* ending.c - see ending.h. */
#include "ending.h"

#include "apr_optional.h"
#include "apr_strings.h"
#include "fastcgi_log.h"
#include "http_log.h"
#include "http_protocol.h"
#include "http_request.h"
#include "outcome.h"
#include "sendfile.h"

extern module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;
APLOG_USE_MODULE(proxy_fastcgi);

static const char *phase_of(const fcgi_job_t *job)
{
    return job->pump.exchange ? fcgi_exchange_state_name(job->exchange.state) : "connecting";
}

/* An answer that another member's replaces is called by its status: http_503. */
static const char *word_of(const fcgi_job_t *job)
{
    return job->outcome == LB_SERVED ? apr_psprintf(job->r->pool, "http_%d", job->reply.status)
                                     : lb_outcome_word(job->outcome);
}

void fcgi_ending_log_failure(const fcgi_job_t *job, int level, const char *next)
{
    ap_log_rerror(APLOG_MARK, level, job->reply.filter_status, job->r, FCLOGNO(0251)
                  "exchange %s: member %s: %s after %" APR_TIME_T_FMT " ms, %" APR_UINT64_T_FMT
                  " bytes sent, %" APR_UINT64_T_FMT " received%s%s; %s%s%s",
                  phase_of(job), job->member, word_of(job),
                  (fc_now() - job->started) / 1000,
                  job->pump.bytes_sent, job->exchange.bytes_received, *job->why ? ": " : "",
                  job->why, next, job->trace ? "; trace " : "",
                  job->trace ? fcgi_trace_id(job->trace) : "");
}

static int status_of(const fcgi_job_t *job, lb_outcome_t outcome)
{
    switch (outcome) {
    case LB_CONNECT_REFUSED:
    case LB_CONNECT_TIMEOUT:
    case LB_CONNECT_BUSY:
    case LB_CONNECT_FAILED:
    case LB_OVERLOADED:
        return HTTP_SERVICE_UNAVAILABLE;
    case LB_FIRST_BYTE_TIMEOUT:
    case LB_READ_TIMEOUT:
    case LB_WRITE_TIMEOUT:
    case LB_TOTAL_TIMEOUT:
        return HTTP_GATEWAY_TIME_OUT;
    case LB_FILTER_ERROR:
    case LB_FILE_ERROR:
        return HTTP_INTERNAL_SERVER_ERROR;
    case LB_CLIENT_ERROR:
        return ap_map_http_request_error(job->body.error, HTTP_BAD_REQUEST);
    default:
        return HTTP_BAD_GATEWAY;
    }
}

/* mod_proxy would condemn the member of a balancer for a 500 or 503, and try the next one; the
 * ticket has said already whose fault it was. */
static int pass_status(request_rec *r, int status)
{
    apr_table_setn(r->notes, "proxy-error-override", "1");
    return status;
}

static APR_OPTIONAL_FN_TYPE(lb_ticket_retry_after) *retry_after;

void fcgi_ending_find_balancer(void)
{
    retry_after = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_retry_after);
}

int fcgi_ending_answer(const fcgi_job_t *job, int status)
{
    request_rec *r = job->r;

    if (status == HTTP_SERVICE_UNAVAILABLE && !apr_table_get(r->err_headers_out, "Retry-After")) {
        apr_table_setn(r->err_headers_out, "Retry-After",
                       apr_itoa(r->pool, job->ticket ? retry_after(job->ticket) : 1));
    }
    return pass_status(r, status);
}

int fcgi_ending_of_failure(fcgi_job_t *job)
{
    const lb_outcome_t outcome = job->outcome;
    request_rec *r = job->r;

    if (outcome == LB_CLIENT_ABORT) {
        fcgi_ending_log_failure(job, APLOG_INFO, "the client has disconnected");
        r->connection->aborted = 1;
        return OK;
    }
    if (job->reply.filter_has_answered) {
        fcgi_ending_log_failure(job, APLOG_INFO, "the filter has sent its own response");
        return OK;
    }
    const int status = job->refusal != OK ? job->refusal : status_of(job, outcome);
    if (status == HTTP_GATEWAY_TIME_OUT) {
        apr_table_setn(r->notes, "proxy_timedout", "1");
    }
    if (job->reply.head_is_out) {
        fcgi_ending_log_failure(job, APLOG_ERR, "the response is truncated");
        fcgi_reply_cut(&job->reply);
        return OK;
    }
    fcgi_reply_forget(&job->reply);
    fcgi_ending_log_failure(job, APLOG_ERR,
                            ap_is_HTTP_ERROR(status) ? apr_psprintf(r->pool, "answered %d", status)
                                                     : "the client has had its response");
    return fcgi_ending_answer(job, status);
}

/* A local redirect is a GET without a body (RFC 3875, 6.2.2). */
static int redirect(request_rec *r, const char *target)
{
    r->method = "GET";
    r->method_number = M_GET;
    apr_table_unset(r->headers_in, "Content-Length");
    ap_internal_redirect(target, r);
    return OK;
}

/* Give the filters the end of the answer. The member has done its part, whatever they say. */
static int finish(fcgi_job_t *job)
{
    fcgi_reply_finish(&job->reply);
    job->outcome = fcgi_outcome_of_output(job);
    if (job->outcome == LB_SERVED) {
        return OK;
    }
    apr_table_setn(job->r->notes, "fcgi-end", lb_outcome_word(job->outcome));
    return fcgi_ending_of_failure(job);
}

int fcgi_ending_of_success(fcgi_job_t *job)
{
    switch (job->reply.kind) {
    case FCGI_REPLY_OVERRIDE:
        return pass_status(job->r, job->reply.override_status);
    case FCGI_REPLY_REDIRECT:
        return redirect(job->r, job->reply.target);
    case FCGI_REPLY_FILE: {
        const int rc =
            fcgi_sendfile_begin(job->r, job->config, job->reply.target, job->reply.out);
        return rc == OK ? finish(job) : fcgi_ending_answer(job, rc);
    }
    default:
        return finish(job);
    }
}

typedef void (*put_note_t)(apr_table_t *notes, const char *name, const char *value);

static void leave_time_note(const fcgi_job_t *job, put_note_t put, const char *name,
                            apr_interval_time_t us)
{
    put(job->r->notes, name, us > 0 ? apr_off_t_toa(job->r->pool, us) : "0");
}

/* Every request has them, and at most an access log reads them: names that are not there yet are
 * not looked for one by one. */
void fcgi_ending_leave_notes(const fcgi_job_t *job)
{
    apr_table_t *notes = job->r->notes;
    const put_note_t put = apr_table_get(notes, "fcgi-member") ? apr_table_setn : apr_table_addn;
    const apr_time_t first_byte_at = job->pump.first_byte_at;

    apr_table_setn(notes, "fcgi-end", lb_outcome_word(job->outcome));
    put(notes, "fcgi-member", job->member);
    put(notes, "fcgi-tries", job->tries == 1 ? "1" : apr_itoa(job->r->pool, job->tries));
    leave_time_note(job, put, "fcgi-connect-us", job->connected - job->started);
    leave_time_note(job, put, "fcgi-firstbyte-us",
                    first_byte_at ? first_byte_at - job->connected : 0);
    leave_time_note(job, put, "fcgi-backend-us", fc_now() - job->started);
}
