/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* handler.c - see handler.h. */
#include "handler.h"

#include "apr_portable.h"
#include "apr_strings.h"
#include "backend.h"
#include "cgi_environment.h"
#include "error_text.h"
#include "failover.h"
#include "fastcgi_log.h"
#include "http_core.h"
#include "http_log.h"
#include "http_request.h"
#include "mod_balancer_byrequests.h"
#include "params.h"
#include "pump.h"
#include "reply.h"
#include "request_body.h"
#include "script_path.h"
#include "sendfile.h"
#include "worker_params.h"

extern module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;
APLOG_USE_MODULE(proxy_fastcgi);

#define READ_BUFFER_BYTES  57344    /* unless iobuffersize is set; under FlushMaxThreshold */
#define READ_BUFFER_MIN    4096
#define NOTICE_AFTER_US    100000   /* then a request on a new connection is said to wait */
#define EXCERPT_BYTES      256      /* of an unfinished head, in the log */

/* The balancer's contract; NULL without the balancer. */
static APR_OPTIONAL_FN_TYPE(lb_ticket_of) *ticket_of;
static APR_OPTIONAL_FN_TYPE(lb_ticket_release) *ticket_release;
static APR_OPTIONAL_FN_TYPE(lb_ticket_next) *ticket_next;
static APR_OPTIONAL_FN_TYPE(lb_ticket_pause) *ticket_pause;
static APR_OPTIONAL_FN_TYPE(lb_ticket_resume) *ticket_resume;

void fcgi_handler_find_balancer(void)
{
    ticket_of = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_of);
    ticket_release = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_release);
    ticket_next = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_next);
    ticket_pause = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_pause);
    ticket_resume = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_resume);
    fcgi_worker_params_find_balancer();
}

/* One request. Lives on the handler's stack; what outlives a call is in r->pool. */
typedef struct {
    request_rec *r;
    const fcgi_proxy_config_t *config;
    lb_ticket_t *ticket;            /* NULL: a plain worker */
    proxy_worker *worker;
    char *url;
    char *script_filename;
    const char *member;             /* the worker's name, for logs and notes */
    fcgi_request_body_t body;
    apr_time_t deadline;            /* of all tries, monotonic us; 0: none */
    int tries;
    int deaths;                     /* tries that ended in backend_eof */
    bool wants_fresh;               /* the next try takes no kept connection */

    /* of the current try */
    apr_time_t started;             /* monotonic us */
    apr_time_t connected;
    fcgi_lease_t lease;
    bool connection_was_kept;
    bool is_waiting;                /* counted in the pool, see on_slow() */
    fcgi_exchange_t exchange;
    fcgi_pump_t pump;
    fcgi_reply_t reply;
    fcgi_error_text_t error_text;
    const char *why;                /* a sentence about the failure */
} job_t;

/* ---- What the pump tells --------------------------------------------------------------------- */

/* Is anybody still interested? */
static bool goes_on(const job_t *job)
{
    return !job->reply.client_is_gone || job->config->ignores_client_abort > 0;
}

static void mind_slow_client(job_t *job)
{
    job->pump.client_is_behind =
        job->pump.client_fd >= 0 && fcgi_absorb_is_behind(&job->reply.absorb);
}

static fcgi_chunk_t next_chunk(void *baton, bool may_wait, fcgi_span_t *chunk, bool *last)
{
    job_t *job = baton;
    const apr_status_t rv = fcgi_request_body_next(&job->body, may_wait, chunk, last);

    return rv == APR_SUCCESS ? FCGI_CHUNK_READY
           : APR_STATUS_IS_EAGAIN(rv) ? FCGI_CHUNK_LATER : FCGI_CHUNK_FAILED;
}

static bool on_slow(void *baton)
{
    job_t *job = baton;

    /* a peer that has read the request works on it: it is only slow */
    job->is_waiting = !fcgi_connection_peer_has_read(job->lease.connection);
    if (job->is_waiting) {
        fcgi_pool_note_waiting(job->lease.pool, 1);
    }
    return true;
}

/* Give the connection up only when it is sure that the request may be sent again; a peer that has
 * read it is at work. */
static bool on_guard(void *baton)
{
    job_t *job = baton;

    if (fcgi_connection_peer_has_read(job->lease.connection)) {
        return false;
    }
    if (!fcgi_backend_may_resend(job->worker)) {    /* many are slow: it is not the connection */
        fcgi_backend_judge_guard(job->worker, false);
        return false;
    }
    return true;
}

static void end_waiting(job_t *job)
{
    if (job->is_waiting) {
        job->is_waiting = false;
        fcgi_pool_note_waiting(job->lease.pool, -1);
    }
}

static bool on_head(void *baton, fcgi_span_t head)
{
    job_t *job = baton;
    bool is_interim = false;

    end_waiting(job);
    if (!fcgi_reply_head(&job->reply, head, &is_interim)) {
        return false;
    }
    if (is_interim) {
        fcgi_exchange_expect_another_head(&job->exchange);
    }
    else if (!job->body.is_read) {
        /* Nobody reads the rest of the body: httpd must not wait for it before this answer, and
         * behind it no 100 Continue asks for it. */
        job->r->connection->keepalive = AP_CONN_CLOSE;
        job->r->expecting_100 = 0;
    }
    if (job->reply.flushes_at_once) {
        job->pump.flush_wait = 0;
    }
    return true;
}

static unsigned char *head_space(void *baton, fcgi_span_t so_far, size_t *bytes)
{
    job_t *job = baton;
    return fcgi_reply_head_space(&job->reply, so_far, bytes);
}

static bool on_body(void *baton, fcgi_span_t piece)
{
    job_t *job = baton;
    fcgi_reply_body(&job->reply, piece);
    return true;
}

static bool on_stderr(void *baton, fcgi_span_t piece)
{
    job_t *job = baton;
    fcgi_error_text_add(&job->error_text, piece);
    return true;
}

static bool on_drained(void *baton)
{
    job_t *job = baton;
    fcgi_reply_pass(&job->reply, false);
    mind_slow_client(job);
    return goes_on(job);
}

static bool on_pause(void *baton)
{
    job_t *job = baton;
    fcgi_reply_pass(&job->reply, true);
    mind_slow_client(job);
    return goes_on(job);
}

static bool on_client_ready(void *baton)
{
    job_t *job = baton;
    fcgi_reply_resume(&job->reply);
    mind_slow_client(job);
    return goes_on(job);
}

static bool on_client_gone(void *baton)
{
    job_t *job = baton;
    /* A client that has all it was promised may go: END_REQUEST is no concern of its. */
    job->reply.client_is_gone = !fcgi_reply_is_delivered(&job->reply);
    return goes_on(job);
}

static const fcgi_pump_owner_t pump_owner = {
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

/* ---- One try --------------------------------------------------------------------------------- */

static lb_outcome_t connect_outcome(apr_status_t rv)
{
    if (APR_STATUS_IS_ECONNREFUSED(rv) || APR_STATUS_IS_ENOENT(rv)) {
        return LB_CONNECT_REFUSED;
    }
    if (APR_STATUS_IS_EAGAIN(rv)) {
        return LB_CONNECT_BUSY;
    }
    return APR_STATUS_IS_TIMEUP(rv) ? LB_CONNECT_TIMEOUT : LB_CONNECT_FAILED;
}

/* One request at a time on a connection, each with another id: what is left over from the one
 * before cannot pass for an answer to this one. */
static uint16_t request_id(const job_t *job)
{
    return (uint16_t)((job->lease.connection->uses - 1) % UINT16_MAX + 1);
}

/* BEGIN_REQUEST and all PARAMS in one piece, so that they leave in one write. */
static int lay_out_request(job_t *job, fcgi_span_t *request)
{
    fcgi_pair_t *pairs;
    size_t count, bytes, too_big;
    const size_t begin_bytes = 2 * FCGI_RECORD_HEADER_BYTES;

    const int rc = fcgi_cgi_environment_make(job->r, job->config, job->script_filename, &pairs,
                                             &count);
    if (rc != OK) {
        return rc;
    }
    if (fcgi_params_measure(pairs, count, &bytes, &too_big) != FCGI_OK) {
        job->why = apr_psprintf(job->r->pool, "the variable %.*s is too big for FastCGI: %"
                                APR_SIZE_T_FMT " bytes, and name and value may have %d",
                                (int)pairs[too_big].name.bytes,
                                (const char *)pairs[too_big].name.at, pairs[too_big].value.bytes,
                                FCGI_RECORD_CONTENT_MAX - 8);
        return HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE;
    }
    unsigned char *at = apr_palloc(job->r->pool, begin_bytes + bytes);
    fcgi_record_encode_begin(at, request_id(job), job->lease.may_be_kept);
    fcgi_params_encode(pairs, count, request_id(job), at + begin_bytes);
    *request = fcgi_span(at, begin_bytes + bytes);
    return OK;
}

/* Off is mod_proxy's default: it is told apart from a written one by nobody, and a pause is a good
 * time to flush. */
static apr_interval_time_t flush_wait_of(const proxy_worker *worker)
{
    return worker->s->flush_packets == flush_on ? 0 : worker->s->flush_wait;
}

/* The client's socket, to watch while waiting; an HTTP/2 stream has none of its own. */
static int client_fd_of(request_rec *r)
{
    apr_os_sock_t fd;

    return !r->connection->master
           && apr_os_sock_get(&fd, ap_get_conn_socket(r->connection)) == APR_SUCCESS ? fd : -1;
}

static void set_time_limits(job_t *job)
{
    const bool is_safe = job->r->method_number == M_GET || job->r->method_number == M_OPTIONS;

    job->pump.timeout = fcgi_backend_timeout(job->worker, job->r->server);
    job->pump.first_byte = job->lease.params->firstbyte;
    job->pump.client_timeout = job->r->server->timeout;
    job->pump.deadline = job->deadline;
    if (job->lease.may_be_kept && !job->connection_was_kept) {
        job->pump.notice_after = NOTICE_AFTER_US;
    }
    /* Only for what may run twice: what lies in the socket is read one day, closed or not. */
    if (job->connection_was_kept && is_safe && fcgi_request_body_is_replayable(&job->body)) {
        job->pump.guard = fcgi_backend_guard(job->worker);
    }
}

static void prepare_pump(job_t *job, fcgi_span_t request)
{
    const proxy_worker *worker = job->worker;
    size_t buffer_bytes = worker->s->io_buffer_size_set ? worker->s->io_buffer_size
                                                        : READ_BUFFER_BYTES;

    buffer_bytes = buffer_bytes < READ_BUFFER_MIN ? READ_BUFFER_MIN : buffer_bytes;
    fcgi_exchange_init(&job->exchange, request_id(job), request);
    job->error_text = (fcgi_error_text_t){ .r = job->r, .member = job->member,
                                            .script = job->script_filename };
    job->pump = (fcgi_pump_t){
        .connection = job->lease.connection,
        .exchange = &job->exchange,
        .owner = &pump_owner,
        .baton = job,
        .buffer = apr_palloc(job->r->pool, buffer_bytes),
        .buffer_bytes = buffer_bytes,
        .client_fd = client_fd_of(job->r),
        .flush_wait = flush_wait_of(worker),
    };
    set_time_limits(job);
}

static lb_outcome_t stopped_outcome(job_t *job)
{
    if (job->reply.why) {
        job->why = job->reply.why;
        return job->reply.head_is_too_big ? LB_TOO_BIG_HEADER : LB_BAD_RESPONSE;
    }
    if (job->reply.client_is_gone || job->r->connection->aborted) {
        return LB_CLIENT_ABORT;
    }
    job->why = "the request body could not be read from the client";
    return LB_CLIENT_ERROR;
}

static lb_outcome_t ended_outcome(job_t *job)
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
        job->why = "the backend says that it is overloaded";
        return LB_OVERLOADED;
    }
    fcgi_span_t head = fcgi_exchange_head_so_far(x);
    head.bytes = head.bytes < EXCERPT_BYTES ? head.bytes : EXCERPT_BYTES;
    const char *excerpt =
        head.bytes ? apr_pstrmemdup(job->r->pool, (const char *)head.at, head.bytes) : "";
    job->why = apr_psprintf(job->r->pool, "the backend ended the request without a whole response "
                            "head (protocolStatus %d, appStatus %u%s%s%s)", x->protocol_status,
                            x->app_status, *excerpt ? "; it began: '" : "",
                            excerpt, *excerpt ? "'" : "");
    return LB_BAD_RESPONSE;
}

static lb_outcome_t timeout_outcome(job_t *job)
{
    switch (job->pump.limit) {
    case FCGI_LIMIT_FIRST_BYTE:
        job->why = "no byte of an answer in time (firstbyte, timeout)";
        return LB_FIRST_BYTE_TIMEOUT;
    case FCGI_LIMIT_TOTAL:
        job->why = "the whole request took too long (total)";
        return LB_TOTAL_TIMEOUT;
    case FCGI_LIMIT_CLIENT:
        job->why = "the client sent no more of its request body in time (Timeout)";
        job->body.error = APR_TIMEUP;
        return LB_CLIENT_ERROR;
    case FCGI_LIMIT_GUARD:
        job->why = "a kept connection gave no answer: its peer may still be busy";
        return LB_STALE;
    default:
        job->why = "silent for too long (timeout)";
        return fcgi_exchange_is_sent(&job->exchange) ? LB_READ_TIMEOUT : LB_WRITE_TIMEOUT;
    }
}

/* The one place where a status of the engine becomes an outcome. */
static lb_outcome_t outcome_of(job_t *job, apr_status_t rv)
{
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
        return LB_PROTOCOL;
    }
    job->why = APR_STATUS_IS_EOF(rv) ? fcgi_exchange_reason_text(FCGI_REASON_EOF)
                                     : "the connection was reset";
    return job->connection_was_kept && job->exchange.bytes_received == 0 ? LB_STALE
                                                                         : LB_BACKEND_EOF;
}

static void count_bytes(const job_t *job)
{
    proxy_worker_shared *s = job->worker->s;
    __atomic_fetch_add(&s->transferred, (apr_off_t)job->pump.bytes_sent, __ATOMIC_RELAXED);
    __atomic_fetch_add(&s->read, (apr_off_t)job->exchange.bytes_received, __ATOMIC_RELAXED);
}

static lb_outcome_t run_exchange(job_t *job, fcgi_span_t request)
{
    prepare_pump(job, request);
    const apr_status_t rv = fcgi_pump_run(&job->pump);
    const lb_outcome_t outcome = outcome_of(job, rv);

    end_waiting(job);
    fcgi_error_text_end(&job->error_text);
    count_bytes(job);
    if (job->wants_fresh && job->pump.first_byte_at) {
        fcgi_backend_judge_guard(job->worker, job->pump.first_byte_at - job->connected
                                                  < fcgi_backend_guard(job->worker));
    }
    fcgi_backend_give_back(&job->lease,
                           fcgi_exchange_connection_is_clean(&job->exchange, job->pump.unread));
    return outcome;
}

/* http_status: set when the request cannot be sent to anybody */
static lb_outcome_t try_member(job_t *job, int *http_status)
{
    fcgi_span_t request;

    job->tries++;
    job->started = fcgi_now();
    job->why = "";
    job->connection_was_kept = false;
    job->member = ap_proxy_worker_name(job->r->pool, job->worker);
    job->exchange = (fcgi_exchange_t){ 0 };
    job->pump = (fcgi_pump_t){ 0 };
    fcgi_reply_init(&job->reply, job->r, job->config, job->member);

    const apr_status_t rv = fcgi_backend_connect(&job->lease, job->r, job->worker, job->url,
                                                 job->wants_fresh, &job->why);
    job->connected = fcgi_now();
    if (rv != APR_SUCCESS) {
        return job->lease.handshake_failed ? LB_TLS_FAILED : connect_outcome(rv);
    }
    job->connection_was_kept = job->lease.connection->was_kept;
    *http_status = lay_out_request(job, &request);
    if (*http_status != OK) {
        fcgi_backend_give_back(&job->lease, job->connection_was_kept);
        return LB_CLIENT_ERROR;
    }
    return run_exchange(job, request);
}

/* ---- The loop over tries --------------------------------------------------------------------- */

static const char *phase_of(const job_t *job)
{
    return job->pump.exchange ? fcgi_exchange_state_name(job->exchange.state) : "connecting";
}

static void log_failed_try(const job_t *job, lb_outcome_t outcome, int level, const char *next)
{
    ap_log_rerror(APLOG_MARK, level, 0, job->r, FCLOGNO(0251)
                  "exchange %s: member %s: %s after %" APR_TIME_T_FMT " ms, %" APR_UINT64_T_FMT
                  " bytes sent, %" APR_UINT64_T_FMT " received%s%s; %s",
                  phase_of(job), job->member, lb_outcome_word(outcome),
                  (fcgi_now() - job->started) / 1000,
                  job->pump.bytes_sent, job->exchange.bytes_received, *job->why ? ": " : "",
                  job->why, next);
}

static fcgi_retry_t decide(job_t *job, lb_outcome_t outcome)
{
    /* on_guard() has asked already */
    const bool ran_perhaps = (outcome == LB_BACKEND_EOF || outcome == LB_STALE)
                             && job->pump.limit != FCGI_LIMIT_GUARD;
    const fcgi_try_t failed = {
        .outcome = outcome,
        .may_run_twice = fcgi_failover_is_idempotent(job->r->method_number)
                         || job->config->retries_non_idempotent > 0,
        .is_replayable = fcgi_request_body_is_replayable(&job->body),
        .was_answered = job->exchange.bytes_received > 0 && outcome != LB_OVERLOADED,
        .deaths = job->deaths,
        .is_over_budget = ran_perhaps && !fcgi_backend_may_resend(job->worker),
    };
    if (job->deadline && fcgi_now() >= job->deadline) {
        return FCGI_GIVE_UP;
    }
    return fcgi_failover_decide(&failed);
}

static void release(job_t *job, lb_outcome_t outcome)
{
    const apr_time_t first_byte_at = job->pump.first_byte_at;
    const lb_measures_t measures = {
        .http_status = job->reply.status,
        .connect = job->connection_was_kept ? -1 : job->connected - job->started,
        .first_byte = first_byte_at ? first_byte_at - job->connected : -1,
        .whole = fcgi_now() - job->started,
    };

    if (job->ticket) {
        ticket_release(job->ticket, outcome, &measures);
    }
}

/* returns  is there another try to make? */
static bool go_on(job_t *job, lb_outcome_t outcome)
{
    job->deaths += outcome == LB_BACKEND_EOF;
    const fcgi_retry_t retry = decide(job, outcome);

    job->wants_fresh = retry == FCGI_SAME_MEMBER;
    if (retry == FCGI_SAME_MEMBER) {
        log_failed_try(job, outcome, APLOG_INFO, "sent again on a new connection");
        return true;
    }
    release(job, outcome);
    if (retry != FCGI_NEXT_MEMBER || !job->ticket) {
        return false;
    }
    proxy_worker *next = ticket_next(job->ticket, job->r, &job->url);
    if (!next) {
        return false;
    }
    log_failed_try(job, outcome, APLOG_WARNING, "another member gets it");
    job->worker = next;
    return true;
}

static lb_outcome_t try_members(job_t *job, int *http_status)
{
    for (;;) {
        const lb_outcome_t outcome = try_member(job, http_status);
        if (outcome == LB_SERVED) {
            release(job, outcome);    /* before the client has read it all */
            return outcome;
        }
        if (!go_on(job, outcome)) {
            return outcome;
        }
        fcgi_request_body_rewind(&job->body);
    }
}

/* ---- The end --------------------------------------------------------------------------------- */

static int status_of(const job_t *job, lb_outcome_t outcome)
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
    case LB_CLIENT_ERROR:
        return ap_map_http_request_error(job->body.error, HTTP_BAD_REQUEST);
    default:
        return HTTP_BAD_GATEWAY;
    }
}

/* A status for httpd to answer with. mod_proxy would condemn the member of a balancer for a 500 or
 * 503 of ours, and try the next one; the ticket has said already whose fault it was. */
static int answer(request_rec *r, int status)
{
    apr_table_setn(r->notes, "proxy-error-override", "1");
    if (status == HTTP_SERVICE_UNAVAILABLE) {
        apr_table_setn(r->err_headers_out, "Retry-After", "1");
    }
    return status;
}

static int finish_failed(job_t *job, lb_outcome_t outcome, int http_status)
{
    request_rec *r = job->r;

    if (outcome == LB_CLIENT_ABORT) {
        log_failed_try(job, outcome, APLOG_INFO, "the client has gone");
        r->connection->aborted = 1;
        return OK;
    }
    const int status = http_status != OK ? http_status : status_of(job, outcome);
    if (status == HTTP_GATEWAY_TIME_OUT) {
        apr_table_setn(r->notes, "proxy_timedout", "1");
    }
    if (job->reply.was_passed) {
        log_failed_try(job, outcome, APLOG_ERR, "the answer is cut");
        fcgi_reply_cut(&job->reply);
        return OK;
    }
    fcgi_reply_forget(&job->reply);
    log_failed_try(job, outcome, APLOG_ERR,
                   ap_is_HTTP_ERROR(status) ? apr_psprintf(r->pool, "answered %d", status)
                                            : "the client had its answer");
    return answer(r, status);
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

static int finish_served(job_t *job)
{
    switch (job->reply.kind) {
    case FCGI_REPLY_OVERRIDE:
        return answer(job->r, job->reply.override_status);
    case FCGI_REPLY_REDIRECT:
        return redirect(job->r, job->reply.target);
    case FCGI_REPLY_FILE: {
        const int rc = fcgi_sendfile_send(job->r, job->config, job->reply.target);
        return rc == OK ? OK : answer(job->r, rc);
    }
    default:
        fcgi_reply_finish(&job->reply);
        return OK;
    }
}

static void leave_time_note(const job_t *job, const char *name, apr_interval_time_t us)
{
    apr_table_setn(job->r->notes, name,
                   apr_psprintf(job->r->pool, "%" APR_TIME_T_FMT, us > 0 ? us : 0));
}

static void leave_notes(const job_t *job, lb_outcome_t outcome)
{
    apr_table_t *notes = job->r->notes;
    const apr_time_t first_byte_at = job->pump.first_byte_at;

    apr_table_setn(notes, "fcgi-member", job->member);
    apr_table_setn(notes, "fcgi-tries", apr_itoa(job->r->pool, job->tries));
    apr_table_setn(notes, "fcgi-end", lb_outcome_word(outcome));
    leave_time_note(job, "fcgi-connect-us", job->connected - job->started);
    leave_time_note(job, "fcgi-firstbyte-us", first_byte_at ? first_byte_at - job->connected : 0);
    leave_time_note(job, "fcgi-backend-us", fcgi_now() - job->started);
}

static int refuse_unusable(const job_t *job)
{
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, job->r, FCLOGNO(0252)
                  "worker %s is switched off (status %s)",
                  ap_proxy_worker_name(job->r->pool, job->worker),
                  ap_proxy_parse_wstatus(job->r->pool, job->worker));
    return HTTP_SERVICE_UNAVAILABLE;
}

/* Have the request body as it is wanted before a backend is asked. While a slow client uploads, no
 * right on a member is held. */
static int prepare_body(job_t *job)
{
    const bool spools = job->config->body_mode != FCGI_BODY_STREAM;
    int rc = fcgi_request_body_begin(&job->body, job->r, spools,
                                     fcgi_proxy_config_spool_limit(job->config));

    if (rc != OK || !job->body.must_wait) {
        return rc;
    }
    if (job->ticket) {
        ticket_pause(job->ticket);
    }
    rc = fcgi_request_body_spool(&job->body);
    if (rc == OK && job->ticket) {
        job->worker = ticket_resume(job->ticket, job->r, &job->url);
        rc = job->worker ? OK : HTTP_SERVICE_UNAVAILABLE;
    }
    return rc;
}

static int check_script(job_t *job)
{
    job->script_filename = fcgi_script_path_find(job->r, job->config);
    return job->config->checks_script > 0
           ? fcgi_script_path_check(job->r, job->script_filename) : OK;
}

int fcgi_handler_run(request_rec *r, proxy_worker *worker, proxy_server_conf *conf, char *url,
                     const char *proxyname, apr_port_t proxyport)
{
    job_t job = { .r = r, .worker = worker, .url = url, .why = "" };

    if (ap_cstr_casecmpn(url, "fcgi:", 5) != 0 && ap_cstr_casecmpn(url, "fcgis:", 6) != 0) {
        return DECLINED;
    }
    job.config = fcgi_proxy_config_of(r);
    job.ticket = ticket_of ? ticket_of(r) : NULL;
    if (!job.ticket && !PROXY_WORKER_IS_USABLE(worker)) {
        return refuse_unusable(&job);
    }
    int http_status = check_script(&job);
    if (http_status == OK) {
        http_status = prepare_body(&job);
    }
    if (http_status != OK) {
        return answer(r, http_status);
    }
    const apr_interval_time_t total = fcgi_worker_params_of(job.worker)->total;
    job.deadline = total > 0 ? fcgi_now() + total : 0;

    const lb_outcome_t outcome = try_members(&job, &http_status);
    leave_notes(&job, outcome);
    return outcome == LB_SERVED ? finish_served(&job) : finish_failed(&job, outcome, http_status);
}
