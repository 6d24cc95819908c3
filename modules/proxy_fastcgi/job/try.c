/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* try.c - see try.h. */
#include "try.h"

#include "ap_mpm.h"
#include "apr_optional.h"
#include "apr_portable.h"
#include "apr_strings.h"
#include "cgi_environment.h"
#include "failover.h"
#include "fastcgi_log.h"
#include "http_core.h"
#include "http_log.h"
#include "outcome.h"
#include "params.h"
#include "probes.h"
#include "read_buffer.h"
#include "tracing.h"

extern module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;
APLOG_USE_MODULE(proxy_fastcgi);

#define READ_BUFFER_MIN    4096
#define NOTICE_AFTER_US    100000   /* then a request on a new connection is said to wait */
#define BODY_GRACE_US      apr_time_from_sec(20)    /* so late may a streamed body be */
#define INTERIMS_MAX       100      /* interim answers of one try */

/* ---- What the pump tells --------------------------------------------------------------------- */

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

static bool on_slow(void *baton)
{
    fcgi_job_t *job = baton;

    /* a peer that has read the request works on it: it is only slow */
    job->is_waiting = !fcgi_connection_peer_has_read(job->dial.lease.connection);
    if (job->is_waiting) {
        fcgi_pool_note_waiting(job->dial.lease.pool, 1);
    }
    return true;
}

static APR_OPTIONAL_FN_TYPE(lb_ticket_may_resend) *ticket_may_resend;
static APR_OPTIONAL_FN_TYPE(lb_ticket_abandon) *ticket_abandon;

void fcgi_try_find_balancer(void)
{
    ticket_may_resend = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_may_resend);
    ticket_abandon = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_abandon);
}

bool fcgi_try_may_resend(const fcgi_job_t *job)
{
    return job->ticket ? ticket_may_resend(job->ticket) != 0 : fcgi_backend_may_resend(job->worker);
}

/* Give the connection up only when it is sure that the request may be sent again; a peer that has
 * read it is at work. */
static bool on_guard(void *baton)
{
    fcgi_job_t *job = baton;

    if (job->is_abandoned || fcgi_connection_peer_has_read(job->dial.lease.connection)) {
        return false;
    }
    if (!fcgi_try_may_resend(job)) {    /* many are slow: it is not the connection */
        fcgi_backend_judge_guard(job->worker, false);
        return false;
    }
    return true;
}

static void end_waiting(fcgi_job_t *job)
{
    if (job->is_waiting) {
        job->is_waiting = false;
        fcgi_pool_note_waiting(job->dial.lease.pool, -1);
    }
}

void fcgi_try_leave_body(const fcgi_job_t *job)
{
    if (!job->body.is_read) {
        job->r->connection->keepalive = AP_CONN_CLOSE;
        job->r->expecting_100 = 0;
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

bool fcgi_try_may_run_twice(const fcgi_job_t *job)
{
    return fcgi_failover_is_idempotent(job->r->method_number)
           || job->config->retries_non_idempotent > 0;
}

/* Would it be sent again if its kept connection turned out to be closed? */
static bool is_sent_again_if_stale(const fcgi_job_t *job)
{
    const fcgi_try_t stale = {
        .outcome = LB_STALE,
        .retry_on = fcgi_proxy_config_retry_on(job->config),
        .may_run_twice = fcgi_try_may_run_twice(job),
        .is_replayable = fcgi_request_body_is_replayable(&job->body),
    };
    return fcgi_failover_decide(&stale) == FCGI_SAME_MEMBER;
}

/* http_503 and the like of ProxyFCGIRetryOn */
static bool is_replaceable(const fcgi_job_t *job)
{
    return job->ticket
           && (job->reply.kind == FCGI_REPLY_BODY || job->reply.kind == FCGI_REPLY_OVERRIDE)
           && fcgi_failover_wants_status(fcgi_proxy_config_retry_on(job->config), job->reply.status)
           && fcgi_try_may_run_twice(job) && fcgi_request_body_is_replayable(&job->body);
}

static bool on_head(void *baton, fc_span_t head)
{
    fcgi_job_t *job = baton;
    bool is_interim = false;

    end_waiting(job);
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
    fcgi_try_leave_body(job);
    if (job->reply.flushes_at_once) {
        job->pump.flush_wait = 0;
    }
    job->reply.is_held = !is_interim && is_replaceable(job);
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
        (void)on_slow(job);
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
        .owner = &pump_owner,
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
    end_waiting(job);
    fcgi_error_text_end(&job->error_text);
    count_bytes(job);
    measure_first_byte(job);
    if (fcgi_try_was_on_stale_connection(job)) {
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
                               .may_be_stale = is_sent_again_if_stale(job),
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

bool fcgi_try_was_on_stale_connection(const fcgi_job_t *job)
{
    return job->outcome == LB_STALE && job->connection_is_unproven
           && job->pump.limit != FCGI_LIMIT_GUARD;
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
    end_waiting(job);
    fcgi_dial_hang_up(&job->dial);
    fcgi_try_give_buffer_back(job);
}
