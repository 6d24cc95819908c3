/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* pump.c - see pump.h. */
#include "pump.h"

#include "apr_errno.h"

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

static bool give_head_space(fcgi_pump_t *pump, fcgi_span_t so_far)
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

static apr_status_t feed(fcgi_pump_t *pump, fcgi_span_t in)
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

/* Read once and hand out what came.
 * returns  APR_EAGAIN when the exchange goes on */
static apr_status_t read_some(fcgi_pump_t *pump, bool *got_any)
{
    size_t got;
    apr_status_t rv =
        fcgi_connection_read(pump->connection, pump->buffer, pump->buffer_bytes, &got);

    *got_any = rv == APR_SUCCESS;
    if (*got_any && pump->first_byte_at == 0) {
        pump->first_byte_at = fcgi_now();
    }
    if (APR_STATUS_IS_EOF(rv)) {
        fcgi_exchange_eof(pump->exchange);
        return status_of(pump->exchange);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = feed(pump, fcgi_span(pump->buffer, got));
    if (rv == APR_EAGAIN && !pump->owner->on_drained(pump->baton)) {
        return stop(pump);
    }
    return rv;
}

/* Write what can be written now. A peer that takes no more may still have answered: its answer is
 * read before anything is said to have failed.
 * returns  is there output left that waits for room? */
static bool write_some(fcgi_pump_t *pump)
{
    fcgi_span_t spans[FCGI_SPANS_MAX];
    size_t count;

    while ((count = fcgi_exchange_out(pump->exchange, spans, FCGI_SPANS_MAX)) > 0) {
        size_t written;
        const apr_status_t rv = fcgi_connection_write(pump->connection, spans, count, &written);
        fcgi_exchange_sent(pump->exchange, written);
        pump->bytes_sent += written;
        if (APR_STATUS_IS_EAGAIN(rv)) {
            return true;
        }
        if (rv != APR_SUCCESS) {
            fcgi_exchange_drop_output(pump->exchange);
        }
    }
    return false;
}

/* Fetch the next chunk of the body. Before the client is asked, an early answer is read.
 * returns  APR_EAGAIN to go on; body_is_late: the client has not sent it yet */
static apr_status_t fetch_chunk(fcgi_pump_t *pump)
{
    fcgi_span_t chunk;
    bool last = false, got_any;

    if (pump->has_begun) {
        const apr_status_t rv = read_some(pump, &got_any);
        if (!APR_STATUS_IS_EAGAIN(rv)) {
            return rv;
        }
    }
    const bool may_wait = pump->client_fd < 0;
    const fcgi_chunk_t got = pump->owner->next_chunk(pump->baton, may_wait, &chunk, &last);
    pump->body_is_late = got == FCGI_CHUNK_LATER;
    if (got == FCGI_CHUNK_FAILED) {
        return stop(pump);
    }
    if (got == FCGI_CHUNK_READY) {
        fcgi_exchange_body(pump->exchange, chunk, last);
    }
    return APR_EAGAIN;
}

/* ---- Waiting -------------------------------------------------------------------------------- */

static void consider(fcgi_pump_t *pump, apr_interval_time_t limit, fcgi_limit_t which)
{
    if (limit < pump->wait.timeout) {
        pump->wait.timeout = limit;
        pump->due = which;
    }
}

/* How long to wait at most, and which limit that is. */
static void find_limit(fcgi_pump_t *pump)
{
    const apr_time_t now = fcgi_now();
    const apr_interval_time_t waited = now - pump->waiting_since;

    pump->wait.timeout = pump->timeout - waited;
    pump->due = FCGI_LIMIT_SILENCE;
    if (pump->wait.wanted & FCGI_CLIENT_READABLE) {
        pump->wait.timeout = pump->client_timeout - waited;
        pump->due = FCGI_LIMIT_CLIENT;
    }
    else if (pump->first_byte_at == 0 && fcgi_exchange_is_sent(pump->exchange)) {
        if (pump->first_byte > 0) {
            pump->wait.timeout = pump->first_byte - waited;
        }
        pump->due = FCGI_LIMIT_FIRST_BYTE;
        if (pump->guard > 0 && pump->exchange->bytes_received == 0) {
            consider(pump, pump->guard - waited, FCGI_LIMIT_GUARD);
        }
        if (pump->notice_after > 0) {
            consider(pump, pump->notice_after - waited, FCGI_LIMIT_NOTICE);
        }
    }
    if (pump->deadline > 0) {
        consider(pump, pump->deadline - now, FCGI_LIMIT_TOTAL);
    }
    if (pump->may_pause && pump->flush_wait >= 0) {
        consider(pump, pump->flush_wait, FCGI_LIMIT_PAUSE);
    }
    if (pump->wait.timeout < 0) {
        pump->wait.timeout = 0;
    }
}

static void prepare_wait(fcgi_pump_t *pump)
{
    pump->wait.fd = pump->connection->fd;
    pump->wait.client_fd = pump->client_fd;
    pump->wait.wanted = FCGI_READABLE | (pump->has_output ? FCGI_WRITABLE : 0)
                        | (pump->body_is_late ? FCGI_CLIENT_READABLE : 0)
                        | (pump->client_is_behind ? FCGI_CLIENT_WRITABLE : 0);
    find_limit(pump);
}

/* The guard's time is over. From now on the other limits hold.
 * returns  APR_TIMEUP to give the connection up, APR_EAGAIN to wait on */
static apr_status_t judge_guard(fcgi_pump_t *pump)
{
    pump->guard = 0;
    if (pump->owner->on_guard(pump->baton)) {
        pump->limit = FCGI_LIMIT_GUARD;
        return APR_TIMEUP;
    }
    return APR_EAGAIN;
}

static apr_status_t time_is_up(fcgi_pump_t *pump)
{
    switch (pump->due) {
    case FCGI_LIMIT_PAUSE:
        pump->may_pause = false;
        return pump->owner->on_pause(pump->baton) ? APR_EAGAIN : stop(pump);
    case FCGI_LIMIT_GUARD:
        return judge_guard(pump);
    case FCGI_LIMIT_NOTICE:
        pump->notice_after = 0;
        return pump->owner->on_slow(pump->baton) ? APR_EAGAIN : stop(pump);
    default:
        pump->limit = pump->due;
        return APR_TIMEUP;
    }
}

/* What the client did while we waited. */
static apr_status_t mind_client(fcgi_pump_t *pump, unsigned came)
{
    if (came & FCGI_CLIENT_GONE) {
        if (!pump->owner->on_client_gone(pump->baton)) {
            return stop(pump);
        }
        pump->client_fd = -1;    /* said once */
        pump->client_is_behind = false;
    }
    else if ((came & FCGI_CLIENT_WRITABLE) && !pump->owner->on_client_ready(pump->baton)) {
        return stop(pump);
    }
    return APR_EAGAIN;
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
    if (came & (FCGI_WRITABLE | FCGI_READABLE | FCGI_CLIENT_READABLE)) {
        pump->waiting_since = fcgi_now();
    }
    if (came & FCGI_READABLE) {
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
    while (!pump->body_is_late && fcgi_exchange_wants_body(pump->exchange)) {
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
        pump->waiting_since = fcgi_now();
    }
    for (;;) {
        apr_status_t rv = take_up(pump, came);
        if (APR_STATUS_IS_EAGAIN(rv)) {
            rv = send_body(pump);
        }
        if (!APR_STATUS_IS_EAGAIN(rv)) {
            return rv;
        }
        if (!fcgi_connection_holds_data(pump->connection)) {
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
