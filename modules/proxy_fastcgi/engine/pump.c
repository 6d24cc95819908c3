/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* pump.c - see pump.h. */
#include "pump.h"

#include "apr_errno.h"
#include "probes.h"

#define LOOK_AGAIN_US (20 * 1000)

static apr_status_t stop(fcgi_pump_t *pump)
{
    pump->stopped_by_owner = true;
    return APR_EGENERAL;
}

/* The one place where the protocol's view of the end becomes a status. */
static apr_status_t status_of(const fcgi_exchange_t *x)
{
    switch (x->state) {
    case FCGI_ENDED:
        return APR_SUCCESS;
    case FCGI_BROKEN:
        return x->reason == FCGI_REASON_EOF ? APR_EOF : APR_EGENERAL;
    default:
        return APR_EAGAIN;    /* still going on */
    }
}

static bool give_head_space(fcgi_pump_t *pump, fc_span_t so_far)
{
    size_t bytes = 0;
    unsigned char *space = pump->owner->head_space(pump->baton, so_far, &bytes);
    if (space) {
        fcgi_exchange_head_space(pump->exchange, space, bytes);
    }
    return space != NULL;
}

/* returns  false when the owner wants no more */
static bool hand_out(fcgi_pump_t *pump, fcgi_event_t event)
{
    switch (event.kind) {
    case FCGI_EVENT_HEAD:
        return pump->owner->on_head(pump->baton, event.data);
    case FCGI_EVENT_HEAD_SPACE:
        return give_head_space(pump, event.data);
    case FCGI_EVENT_BODY:
        return pump->owner->on_body(pump->baton, event.data);
    case FCGI_EVENT_STDERR:
        return pump->owner->on_stderr(pump->baton, event.data);
    default:
        return true;    /* the end shows in the state */
    }
}

static apr_status_t feed(fcgi_pump_t *pump, fc_span_t in)
{
    for (;;) {
        const fcgi_event_t event = fcgi_exchange_feed(pump->exchange, &in);
        if (!hand_out(pump, event)) {
            return stop(pump);
        }
        const apr_status_t rv = status_of(pump->exchange);
        if (rv != APR_EAGAIN) {
            pump->unread = in.bytes;
            return rv;
        }
        if (event.kind == FCGI_EVENT_MORE) {
            return APR_EAGAIN;
        }
    }
}

/* The backend is not silent. Records that bring nothing are silence. */
static void note_content(fcgi_pump_t *pump)
{
    pump->waiting_since = fc_now();
    if (pump->first_byte_at == 0) {
        pump->first_byte_at = pump->waiting_since;
        FCGI_PROBE(first_byte, pump->baton);
    }
}

static apr_status_t receive(fcgi_pump_t *pump, size_t *got)
{
    if (pump->has_read_ahead) {
        pump->has_read_ahead = false;
        *got = pump->ahead_bytes;
        return pump->ahead_status;
    }
    return fcgi_connection_read(pump->connection, pump->buffer, pump->buffer_bytes, got);
}

/* Read once and hand out what came.
 * returns  APR_EAGAIN when the exchange goes on */
static apr_status_t read_some(fcgi_pump_t *pump, bool *got_any)
{
    const uint64_t content_before = pump->exchange->content_bytes;
    size_t got;
    apr_status_t rv = receive(pump, &got);

    *got_any = rv == APR_SUCCESS;
    if (APR_STATUS_IS_EOF(rv)) {
        fcgi_exchange_eof(pump->exchange);
        return status_of(pump->exchange);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = feed(pump, fc_span(pump->buffer, got));
    if (pump->exchange->content_bytes > content_before) {
        note_content(pump);
    }
    if (rv == APR_EAGAIN && !pump->owner->on_drained(pump->baton)) {
        return stop(pump);
    }
    return rv;
}

/* Of what is to be written, all up to the first piece that lies in the file, and some of that. */
static apr_status_t write_spans(fcgi_pump_t *pump, const fc_span_t *spans, size_t count,
                                size_t *written)
{
    size_t in_memory = 0;

    while (in_memory < count && spans[in_memory].at) {
        in_memory++;
    }
    return in_memory == count
               ? fcgi_connection_write(pump->connection, spans, count, written)
               : fcgi_body_file_send(pump->connection, spans, in_memory, pump->body_file,
                                     spans[in_memory].bytes, written);
}

/* Write what can be written now. A peer that takes no more may still have answered: its answer is
 * read before anything is said to have failed.
 * returns  is there output left that waits for room? */
static bool write_some(fcgi_pump_t *pump)
{
    fc_span_t spans[FCGI_SPANS_MAX];
    size_t count;

    while ((count = fcgi_exchange_out(pump->exchange, spans, FCGI_SPANS_MAX)) > 0) {
        size_t written;
        const apr_status_t rv = write_spans(pump, spans, count, &written);
        fcgi_exchange_sent(pump->exchange, written);
        pump->bytes_sent += written;
        if (APR_STATUS_IS_EAGAIN(rv)) {
            return true;
        }
        if (rv != APR_SUCCESS) {
            fcgi_exchange_drop_output(pump->exchange);
        }
    }
    FCGI_PROBE_IF(fcgi_exchange_is_sent(pump->exchange), sent, pump->baton, pump->bytes_sent);
    return false;
}

static apr_status_t time_is_over(fcgi_pump_t *pump, fcgi_limit_t limit)
{
    pump->limit = limit;
    return APR_TIMEUP;
}

static bool is_past_deadline(const fcgi_pump_t *pump)
{
    return pump->deadline > 0 && fc_now() >= pump->deadline;
}

/* Who sends as slowly as it likes holds the backend as long as it likes. What comes faster makes up
 * for what came late, but not for what is to come.
 * returns  is the client too slow? */
static bool charge_client(fcgi_pump_t *pump, size_t bytes)
{
    pump->waiting_since = fc_now();    /* now the backend is waited for */
    pump->client_late += pump->waiting_since - pump->client_asked_at;
    pump->client_asked_at = 0;
    if (pump->body_rate == 0) {
        return false;
    }
    pump->client_late -= (apr_interval_time_t)((int64_t)bytes * APR_USEC_PER_SEC / pump->body_rate);
    pump->client_late = pump->client_late > 0 ? pump->client_late : 0;
    return pump->client_late > pump->client_grace;
}

/* returns  as fetch_chunk() */
static apr_status_t ask_for_chunk(fcgi_pump_t *pump)
{
    const bool may_wait = pump->client_fd < 0;
    fc_span_t chunk;
    bool last = false;

    if (pump->client_asked_at == 0) {
        pump->client_asked_at = fc_now();
    }
    const fcgi_chunk_t got = pump->owner->next_chunk(pump->baton, may_wait, &chunk, &last);
    pump->body_is_late = got == FCGI_CHUNK_LATER;
    if (got == FCGI_CHUNK_FAILED) {
        return stop(pump);
    }
    if (got == FCGI_CHUNK_READY) {
        fcgi_exchange_body(pump->exchange, chunk, last);
        if (charge_client(pump, chunk.bytes) && !last) {
            return time_is_over(pump, FCGI_LIMIT_CLIENT);
        }
    }
    return APR_EAGAIN;
}

/* Fetch the next chunk of the body. Before the client is asked, an early answer is read.
 * returns  APR_EAGAIN to go on; body_is_late: the client has not sent it yet */
static apr_status_t fetch_chunk(fcgi_pump_t *pump)
{
    bool got_any;

    if (pump->has_begun && !pump->client_is_full) {
        const apr_status_t rv = read_some(pump, &got_any);
        if (!APR_STATUS_IS_EAGAIN(rv)) {
            return rv;
        }
    }
    return ask_for_chunk(pump);
}

/* ---- Waiting -------------------------------------------------------------------------------- */

static void consider(fcgi_pump_t *pump, apr_interval_time_t limit, fcgi_limit_t which)
{
    if (limit < pump->wait.timeout) {
        pump->wait.timeout = limit;
        pump->due = which;
    }
}

/* Of those limits that depend on who is waited for. */
static void begin_limit(fcgi_pump_t *pump, apr_interval_time_t waited, apr_time_t now)
{
    pump->due = FCGI_LIMIT_SILENCE;
    pump->wait.timeout = pump->timeout - waited;
    if (pump->client_is_full) {
        pump->due = FCGI_LIMIT_READER;
        pump->wait.timeout = pump->client_timeout - waited;
    }
    else if (pump->body_is_late) {
        pump->due = FCGI_LIMIT_CLIENT;
        pump->wait.timeout = pump->client_timeout - waited;
        if (pump->body_rate > 0) {
            consider(pump, pump->client_grace - pump->client_late - (now - pump->client_asked_at),
                     FCGI_LIMIT_CLIENT);
        }
    }
    else if (pump->first_byte_at == 0 && fcgi_exchange_is_sent(pump->exchange)) {
        pump->due = FCGI_LIMIT_FIRST_BYTE;
        if (pump->first_byte > 0) {
            pump->wait.timeout = pump->first_byte - waited;
        }
        if (pump->guard > 0 && pump->exchange->bytes_received == 0) {
            consider(pump, pump->guard - waited, FCGI_LIMIT_GUARD);
        }
        if (pump->notice_after > 0) {
            consider(pump, pump->notice_after - waited, FCGI_LIMIT_NOTICE);
        }
    }
}

/* How long to wait at most, and which limit that is. */
static void find_limit(fcgi_pump_t *pump)
{
    const apr_time_t now = fc_now();

    begin_limit(pump, now - pump->waiting_since, now);
    if (pump->deadline > 0) {
        consider(pump, pump->deadline - now, FCGI_LIMIT_TOTAL);
    }
    if (pump->may_pause && pump->flush_wait >= 0) {
        consider(pump, pump->flush_wait, FCGI_LIMIT_PAUSE);
    }
    if (pump->client_is_behind && pump->client_fd < 0) {
        consider(pump, LOOK_AGAIN_US, FCGI_LIMIT_LOOK);
    }
    if (pump->wait.timeout < 0) {
        pump->wait.timeout = 0;
    }
}

static void prepare_wait(fcgi_pump_t *pump)
{
    const unsigned of_backend = (pump->client_is_full ? 0 : FCGI_READABLE)
                                | (pump->has_output ? FCGI_WRITABLE : 0);

    pump->wait.fd = of_backend ? pump->connection->fd : -1;
    pump->wait.home = of_backend ? &pump->connection->set : NULL;
    pump->wait.client_fd = pump->client_fd;
    pump->wait.wanted = of_backend | (pump->body_is_late ? FCGI_CLIENT_READABLE : 0)
                        | (pump->client_is_behind ? FCGI_CLIENT_WRITABLE : 0)
                        | (pump->client_may_end ? FCGI_CLIENT_MAY_END : 0);
    find_limit(pump);
}

bool fcgi_pump_may_read_ahead(const fcgi_pump_t *pump)
{
    const unsigned wanted = pump->wait.wanted & ~FCGI_CLIENT_MAY_END;

    return pump->is_quick && pump->connection->can_wait && wanted == FCGI_READABLE
           && pump->exchange->bytes_received == 0 && pump->wait.timeout > FCGI_MOMENT_US;
}

unsigned fcgi_pump_read_ahead(fcgi_pump_t *pump)
{
    pump->ahead_status = fcgi_connection_read_patiently(pump->connection, pump->buffer,
                                                        pump->buffer_bytes, &pump->ahead_bytes);
    pump->has_read_ahead = !APR_STATUS_IS_EAGAIN(pump->ahead_status);
    if (pump->has_read_ahead) {
        return FCGI_READABLE;
    }
    pump->is_quick = false;
    prepare_wait(pump);
    return 0;
}

/* The guard's time is over. From now on the other limits hold.
 * returns  APR_TIMEUP to give the connection up, APR_EAGAIN to wait on */
static apr_status_t judge_guard(fcgi_pump_t *pump)
{
    pump->guard = 0;
    return pump->owner->on_guard(pump->baton) ? time_is_over(pump, FCGI_LIMIT_GUARD) : APR_EAGAIN;
}

static bool goes_on_without_client(fcgi_pump_t *pump)
{
    pump->client_fd = -1;    /* said once */
    pump->client_is_behind = pump->client_is_full = false;
    return pump->owner->on_client_gone(pump->baton);
}

/* What the client did while we waited. */
static apr_status_t mind_client(fcgi_pump_t *pump, unsigned came)
{
    if (came & FCGI_CLIENT_GONE) {
        return goes_on_without_client(pump) ? APR_EAGAIN : stop(pump);
    }
    if (came & FCGI_CLIENT_WRITABLE) {
        if (pump->client_is_full) {
            pump->waiting_since = fc_now();    /* it was the client that was waited for */
        }
        return pump->owner->on_client_ready(pump->baton) ? APR_EAGAIN : stop(pump);
    }
    return APR_EAGAIN;
}

static apr_status_t time_is_up(fcgi_pump_t *pump)
{
    switch (pump->due) {
    case FCGI_LIMIT_PAUSE:
        pump->may_pause = false;
        return pump->owner->on_pause(pump->baton) ? APR_EAGAIN : stop(pump);
    case FCGI_LIMIT_LOOK:
        return pump->owner->on_client_ready(pump->baton) ? APR_EAGAIN : stop(pump);
    case FCGI_LIMIT_READER:
        return goes_on_without_client(pump) ? APR_EAGAIN : time_is_over(pump, FCGI_LIMIT_READER);
    case FCGI_LIMIT_GUARD:
        return judge_guard(pump);
    case FCGI_LIMIT_NOTICE:
        pump->notice_after = 0;
        return pump->owner->on_slow(pump->baton) ? APR_EAGAIN : stop(pump);
    default:
        return time_is_over(pump, pump->due);
    }
}

/* ---- One step -------------------------------------------------------------------------------- */

/* Do what the wait has made possible.
 * returns  APR_EAGAIN to go on */
static apr_status_t take_up(fcgi_pump_t *pump, unsigned came)
{
    bool got_any;

    if (came & FCGI_TIME_IS_UP) {
        return time_is_up(pump);
    }
    apr_status_t rv = mind_client(pump, came);
    if (!APR_STATUS_IS_EAGAIN(rv)) {
        return rv;
    }
    if (came & FCGI_WRITABLE) {
        pump->has_output = write_some(pump);
    }
    if (came & (FCGI_WRITABLE | FCGI_CLIENT_READABLE)) {
        pump->waiting_since = fc_now();
    }
    if ((came & FCGI_READABLE) && !pump->client_is_full) {
        rv = read_some(pump, &got_any);
        pump->may_pause |= got_any;
    }
    return rv;
}

/* Send on what there is of the body.
 * returns  APR_EAGAIN to go on */
static apr_status_t send_body(fcgi_pump_t *pump)
{
    pump->body_is_late = false;
    while (!pump->body_is_late && fcgi_exchange_wants_body(pump->exchange)
           && !is_past_deadline(pump)) {
        const apr_status_t rv = fetch_chunk(pump);
        if (!APR_STATUS_IS_EAGAIN(rv)) {
            return rv;
        }
        pump->has_begun = true;
        pump->has_output = write_some(pump);
    }
    return APR_EAGAIN;
}

apr_status_t fcgi_pump_step(fcgi_pump_t *pump, unsigned came)
{
    if (pump->waiting_since == 0) {
        pump->waiting_since = fc_now();
    }
    for (;;) {
        apr_status_t rv = take_up(pump, came);
        if (APR_STATUS_IS_EAGAIN(rv)) {
            rv = send_body(pump);
        }
        if (!APR_STATUS_IS_EAGAIN(rv)) {
            return rv;
        }
        if (pump->body_file && pump->body_file->has_failed) {
            return stop(pump);
        }
        if (is_past_deadline(pump)) {    /* whatever came, it is not the end */
            return time_is_over(pump, FCGI_LIMIT_TOTAL);
        }
        if (pump->client_is_full || !fcgi_connection_holds_data(pump->connection)) {
            prepare_wait(pump);
            return APR_EAGAIN;
        }
        came = FCGI_READABLE;
    }
}

apr_status_t fcgi_pump_run(fcgi_pump_t *pump)
{
    apr_status_t rv = fcgi_pump_step(pump, 0);

    while (APR_STATUS_IS_EAGAIN(rv)) {
        rv = fcgi_pump_step(pump, fcgi_wait_in_thread(&pump->wait));
    }
    return rv;
}
