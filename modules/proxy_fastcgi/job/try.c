/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* try.c - see try.h. */
#include "try.h"

#include "apr_portable.h"
#include "apr_strings.h"
#include "cgi_environment.h"
#include "events.h"
#include "http_core.h"
#include "outcome.h"
#include "params.h"
#include "probes.h"
#include "read_buffer.h"
#include "retry.h"
#include "tracing.h"

#define READ_BUFFER_MIN    4096
#define NOTICE_AFTER_US    100000   /* then a request on a new connection is said to wait */
#define BODY_GRACE_US      apr_time_from_sec(20)    /* so late may a streamed body be */

/* One request at a time on a connection, each with another id: what is left over from the one
 * before cannot pass for an answer to this one. */
static uint16_t request_id(const fcgi_job_t *job)
{
    return (uint16_t)((job->dial.lease.connection->uses - 1) % UINT16_MAX + 1);
}

/* BEGIN_REQUEST and all PARAMS in one piece, so that they leave in one write. */
static int lay_out_request(fcgi_job_t *job, fc_span_t *request)
{
    fcgi_pair_t *pairs;
    size_t count, bytes, too_big;
    const size_t begin_bytes = 2 * FCGI_RECORD_HEADER_BYTES;

    const int rc = fcgi_cgi_environment_make(job->r, job->config, job->trace, &job->script, &pairs,
                                             &count);
    if (rc != OK) {
        return rc;
    }
    if (fcgi_params_measure(pairs, count, &bytes, &too_big) != FCGI_OK) {
        job->why =
            apr_psprintf(job->r->pool,
                         "the variable %.*s is too big for FastCGI: %" APR_SIZE_T_FMT
                         " bytes; the limit for name and value is %d",
                         (int)pairs[too_big].name.bytes, (const char *)pairs[too_big].name.at,
                         pairs[too_big].value.bytes, FCGI_RECORD_CONTENT_MAX - 8);
        return HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE;
    }
    unsigned char *at = apr_palloc(job->r->pool, begin_bytes + bytes);
    fcgi_record_encode_begin(at, request_id(job), job->dial.lease.may_be_kept);
    fcgi_params_encode(pairs, count, request_id(job), at + begin_bytes);
    *request = fc_span(at, begin_bytes + bytes);
    return OK;
}

bool fcgi_try_is_past_deadline(const fcgi_job_t *job)
{
    return job->deadline > 0 && fc_now() >= job->deadline;
}

void fcgi_try_mind_deadline(fcgi_job_t *job)
{
    const apr_interval_time_t left = job->deadline - fc_now();

    if (job->deadline > 0 && (job->wait.timeout < 0 || left < job->wait.timeout)) {
        job->wait.timeout = left > 0 ? left : 0;
    }
}

/* Off is mod_proxy's default: it is told apart from a written one by nobody, and a pause is a good
 * time to flush. */
static apr_interval_time_t flush_wait_of(const proxy_worker *worker)
{
    return worker->s->flush_packets == flush_on ? 0 : worker->s->flush_wait;
}

unsigned fcgi_try_client_may_end(const fcgi_job_t *job)
{
    return job->config->ignores_client_abort > 0 ? FCGI_CLIENT_MAY_END : 0;
}

int fcgi_try_client_fd(request_rec *r)
{
    apr_os_sock_t fd;

    /* an HTTP/2 stream has no socket of its own */
    return !r->connection->master
                   && apr_os_sock_get(&fd, ap_get_conn_socket(r->connection)) == APR_SUCCESS
               ? fd
               : -1;
}

/* Of a member that is always slow the notice is taken at once: it spares a parked request from
 * being taken up for it. Not with unix sockets, which tell later whether the peer has begun. */
static void expect_slowness(fcgi_job_t *job)
{
    if (job->dial.lease.connection->socket[0]
        || fcgi_backend_usual_first_byte(job->worker) < NOTICE_AFTER_US) {
        job->pump.notice_after = NOTICE_AFTER_US;
    }
    else {
        fcgi_events_note_slow(job);
    }
}

static void set_time_limits(fcgi_job_t *job)
{
    const bool is_safe = job->r->method_number == M_GET || job->r->method_number == M_OPTIONS;

    job->pump.timeout = fcgi_backend_timeout(job->worker, job->r->server);
    job->pump.first_byte = job->dial.lease.params->firstbyte;
    job->pump.client_timeout = job->r->server->timeout;
    job->pump.body_rate = fcgi_proxy_config_body_rate(job->config);
    job->pump.client_grace = job->r->server->timeout < BODY_GRACE_US ? job->r->server->timeout
                                                                     : BODY_GRACE_US;
    job->pump.deadline = job->deadline;
    if (job->dial.lease.may_be_kept && !job->connection_was_kept) {
        expect_slowness(job);
    }
    /* Only for what may run twice: what lies in the socket is read one day, closed or not. */
    if (job->connection_was_kept && is_safe && fcgi_request_body_is_replayable(&job->body)) {
        job->pump.guard = fcgi_backend_guard(job->worker);
    }
}

/* Mostly it is there sooner than in a moment. */
static bool is_quick(const fcgi_job_t *job)
{
    const apr_interval_time_t usual = fcgi_backend_usual_first_byte(job->worker);
    return usual > 0 && usual < FCGI_MOMENT_US;
}

static void prepare_pump(fcgi_job_t *job, fc_span_t request)
{
    job->body.is_copied = job->dial.lease.connection->tls != NULL;
    fcgi_exchange_init(&job->exchange, request_id(job), request);
    job->error_text =
        (fcgi_error_text_t){ .r = job->r, .member = job->member, .script = job->script.path };
    job->pump = (fcgi_pump_t){
        .connection = job->dial.lease.connection,
        .exchange = &job->exchange,
        .owner = &fcgi_events_owner,
        .baton = job,
        .buffer_bytes = job->buffer_bytes,
        .body_file = &job->body.source,
        .client_fd = fcgi_try_client_fd(job->r),
        .client_may_end = fcgi_try_client_may_end(job) != 0,
        .flush_wait = flush_wait_of(job->worker),
        .is_quick = is_quick(job),
    };
    set_time_limits(job);
}

static void count_bytes(const fcgi_job_t *job)
{
    proxy_worker_shared *s = job->worker->s;
    __atomic_fetch_add(&s->transferred, (apr_off_t)job->pump.bytes_sent, __ATOMIC_RELAXED);
    __atomic_fetch_add(&s->read, (apr_off_t)job->exchange.bytes_received, __ATOMIC_RELAXED);
}

static void measure_first_byte(fcgi_job_t *job)
{
    const apr_interval_time_t took = job->pump.first_byte_at - job->connected;

    if (job->pump.first_byte_at == 0) {
        return;
    }
    fcgi_backend_note_first_byte(job->worker, took);
    if (job->wants_fresh) {
        fcgi_backend_judge_guard(job->worker, took < fcgi_backend_guard(job->worker));
    }
}

static bool is_over(fcgi_job_t *job, lb_outcome_t outcome)
{
    job->outcome = outcome;
    return true;
}

static bool end_exchange(fcgi_job_t *job, apr_status_t rv)
{
    job->outcome = fcgi_outcome_of_exchange(job, rv);
    fcgi_events_end_slow(job);
    fcgi_error_text_end(&job->error_text);
    count_bytes(job);
    measure_first_byte(job);
    if (fcgi_retry_was_on_stale_connection(job)) {
        fcgi_pool_note_stale(job->dial.lease.pool);
    }
    fcgi_backend_give_back(&job->dial.lease,
                           fcgi_exchange_connection_is_clean(&job->exchange, job->pump.unread));
    return true;
}

static bool go_on_with_exchange(fcgi_job_t *job, unsigned came)
{
    if (!job->buffer) {
        job->buffer = fcgi_read_buffer_take(job->buffer_bytes);
    }
    job->pump.buffer = job->buffer;
    const apr_status_t rv = job->buffer ? fcgi_pump_step(&job->pump, came) : APR_ENOMEM;
    job->wait = job->pump.wait;
    return APR_STATUS_IS_EAGAIN(rv) ? false : end_exchange(job, rv);
}

static bool begin_exchange(fcgi_job_t *job)
{
    fc_span_t request;

    job->connection_was_kept = job->dial.lease.connection->was_kept;
    job->connection_is_unproven = job->dial.lease.connection->is_unproven;
    job->refusal = lay_out_request(job, &request);
    if (job->refusal != OK) {
        fcgi_backend_give_back(&job->dial.lease, job->connection_was_kept);
        return is_over(job, LB_CLIENT_ERROR);
    }
    job->state = FCGI_JOB_EXCHANGING;
    prepare_pump(job, request);
    return go_on_with_exchange(job, 0);
}

static bool give_dialling_up(fcgi_job_t *job)
{
    fcgi_dial_hang_up(&job->dial);
    job->connected = fc_now();
    job->why = "the request took too long (total), before there was a connection";
    return is_over(job, LB_TOTAL_TIMEOUT);
}

static bool judge_dial(fcgi_job_t *job, apr_status_t rv)
{
    if (rv == APR_EINPROGRESS) {
        job->state = FCGI_JOB_CONNECTING;
        job->wait = job->dial.wait;
        fcgi_try_mind_deadline(job);
        return false;
    }
    job->connected = fc_now();
    if (rv == APR_SUCCESS) {
        FCGI_PROBE(connected, job, job->member, job->connected - job->started,
                   job->dial.lease.connection->was_kept);
        return begin_exchange(job);
    }
    job->why = job->dial.why;
    return is_over(job, fcgi_backend_outcome_of(&job->dial.lease, rv));
}

static size_t buffer_bytes_of(const proxy_worker *worker)
{
    const size_t bytes = worker->s->io_buffer_size_set ? worker->s->io_buffer_size
                                                       : FCGI_READ_BUFFER_BYTES;
    return bytes < READ_BUFFER_MIN ? READ_BUFFER_MIN : bytes;
}

bool fcgi_try_begin(fcgi_job_t *job)
{
    const bool minds_client = job->config->ignores_client_abort <= 0;

    if (job->tries++ > 0) {
        job->exchange = (fcgi_exchange_t){ 0 };
        job->pump = (fcgi_pump_t){ 0 };
    }
    job->started = job->connected = fc_now();
    job->why = "";
    job->refusal = OK;
    job->connection_was_kept = job->connection_is_unproven = false;
    job->member = fcgi_backend_name(job->r, job->worker, job->url);
    fcgi_try_give_buffer_back(job);    /* of the try before; another member, another size */
    job->buffer_bytes = buffer_bytes_of(job->worker);
    job->is_abandoned = false;
    job->interims = 0;
    job->interim_bytes = 0;
    if (job->trace) {
        fcgi_tracing_begin_try(job);
    }
    fcgi_reply_init(&job->reply, job->r, job->config, job->member);
    job->dial = (fcgi_dial_t){ .r = job->r,
                               .worker = job->worker,
                               .url = job->url,
                               .deadline = job->deadline,
                               .client_fd = minds_client ? fcgi_try_client_fd(job->r) : -1,
                               .is_fresh = job->wants_fresh,
                               .may_be_stale = fcgi_retry_is_sent_if_stale(job),
                               .why = "" };
    return judge_dial(job, fcgi_dial_begin(&job->dial));
}

bool fcgi_try_go_on(fcgi_job_t *job, unsigned came)
{
    if (job->state == FCGI_JOB_EXCHANGING) {
        return go_on_with_exchange(job, came);
    }
    return fcgi_try_is_past_deadline(job) ? give_dialling_up(job)
                                          : judge_dial(job, fcgi_dial_step(&job->dial, came));
}

bool fcgi_try_may_read_ahead(const fcgi_job_t *job)
{
    return job->state == FCGI_JOB_EXCHANGING && fcgi_pump_may_read_ahead(&job->pump);
}

unsigned fcgi_try_read_ahead(void *baton)
{
    fcgi_job_t *job = baton;
    const unsigned came = fcgi_pump_read_ahead(&job->pump);

    job->wait = job->pump.wait;
    return came;
}

bool fcgi_try_waits_for_first_byte(const fcgi_job_t *job)
{
    return job->state == FCGI_JOB_EXCHANGING && job->pump.first_byte_at == 0;
}

void fcgi_try_give_buffer_back(fcgi_job_t *job)
{
    fcgi_read_buffer_give_back(&job->buffer, job->buffer_bytes);
}

void fcgi_try_abandon(fcgi_job_t *job)
{
    fcgi_events_end_slow(job);
    fcgi_dial_hang_up(&job->dial);
    fcgi_try_give_buffer_back(job);
}
