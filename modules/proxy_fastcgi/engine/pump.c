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
 * returns  APR_EAGAIN to go on; *later: the client has not sent it yet */
static apr_status_t fetch_chunk(fcgi_pump_t *pump, bool is_first, bool *later)
{
    fcgi_span_t chunk;
    bool last = false, got_any;

    if (!is_first) {
        const apr_status_t rv = read_some(pump, &got_any);
        if (!APR_STATUS_IS_EAGAIN(rv)) {
            return rv;
        }
    }
    const bool may_wait = pump->client_fd < 0;
    const fcgi_chunk_t got = pump->owner->next_chunk(pump->baton, may_wait, &chunk, &last);
    *later = got == FCGI_CHUNK_LATER;
    if (got == FCGI_CHUNK_FAILED) {
        return stop(pump);
    }
    if (got == FCGI_CHUNK_READY) {
        fcgi_exchange_body(pump->exchange, chunk, last);
    }
    return APR_EAGAIN;
}

/* ---- Waiting -------------------------------------------------------------------------------- */

static void consider(apr_interval_time_t limit, fcgi_limit_t which, apr_interval_time_t *left,
                     fcgi_limit_t *shortest)
{
    if (limit < *left) {
        *left = limit > 0 ? limit : 0;
        *shortest = which;
    }
}

/* How long to wait at most, and which limit that is. */
static apr_interval_time_t time_left(const fcgi_pump_t *pump, bool for_client, fcgi_limit_t *which)
{
    const apr_time_t now = fcgi_now();
    const apr_interval_time_t waited = now - pump->waiting_since;
    apr_interval_time_t left = pump->timeout - waited;

    *which = FCGI_LIMIT_SILENCE;
    if (for_client) {
        left = pump->client_timeout - waited;
        *which = FCGI_LIMIT_CLIENT;
    }
    else if (pump->first_byte_at == 0 && fcgi_exchange_is_sent(pump->exchange)) {
        if (pump->first_byte > 0) {
            left = pump->first_byte - waited;
        }
        *which = FCGI_LIMIT_FIRST_BYTE;
        if (pump->guard > 0) {
            consider(pump->guard - waited, FCGI_LIMIT_GUARD, &left, which);
        }
        if (pump->notice_after > 0) {
            consider(pump->notice_after - waited, FCGI_LIMIT_NOTICE, &left, which);
        }
    }
    if (pump->deadline > 0) {
        consider(pump->deadline - now, FCGI_LIMIT_TOTAL, &left, which);
    }
    return left > 0 ? left : 0;
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

/* Wait once, up to the nearest time limit.
 * returns  APR_SUCCESS with *came, APR_EAGAIN to look at everything again, or the end */
static apr_status_t wait_once(fcgi_pump_t *pump, unsigned wanted, unsigned *came, bool *may_pause)
{
    const bool for_client = (wanted & FCGI_CLIENT_READABLE) != 0;
    const bool pauses = *may_pause && pump->flush_wait >= 0;
    fcgi_limit_t which;
    apr_interval_time_t left = time_left(pump, for_client, &which);
    const bool is_pause = pauses && pump->flush_wait < left;

    if (is_pause) {
        left = pump->flush_wait;
    }
    const apr_status_t rv =
        fcgi_connection_wait(pump->connection, pump->client_fd, wanted, came, left);
    if (!APR_STATUS_IS_TIMEUP(rv)) {
        return rv;
    }
    if (is_pause) {
        *may_pause = false;
        return pump->owner->on_pause(pump->baton) ? APR_EAGAIN : stop(pump);
    }
    if (which == FCGI_LIMIT_GUARD) {
        return judge_guard(pump);
    }
    if (which == FCGI_LIMIT_NOTICE) {
        pump->notice_after = 0;
        return pump->owner->on_slow(pump->baton) ? APR_EAGAIN : stop(pump);
    }
    pump->limit = which;
    return APR_TIMEUP;
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

apr_status_t fcgi_pump_run(fcgi_pump_t *pump)
{
    bool is_first = true;
    bool has_output = false;    /* that waits for room */
    bool may_pause = false;     /* something was handed out since the last pause */
    bool got_any;
    unsigned came;

    pump->waiting_since = fcgi_now();
    for (;;) {
        bool later = false;
        apr_status_t rv;
        while (!later && fcgi_exchange_wants_body(pump->exchange)) {
            rv = fetch_chunk(pump, is_first, &later);
            if (!APR_STATUS_IS_EAGAIN(rv)) {
                return rv;
            }
            is_first = false;
            has_output = write_some(pump);
        }
        const unsigned wanted = FCGI_READABLE | (has_output ? FCGI_WRITABLE : 0)
                                | (later ? FCGI_CLIENT_READABLE : 0)
                                | (pump->client_is_behind ? FCGI_CLIENT_WRITABLE : 0);
        rv = wait_once(pump, wanted, &came, &may_pause);
        if (APR_STATUS_IS_EAGAIN(rv)) {
            continue;
        }
        if (rv != APR_SUCCESS) {
            return rv;
        }
        rv = mind_client(pump, came);
        if (!APR_STATUS_IS_EAGAIN(rv)) {
            return rv;
        }
        if (came & FCGI_WRITABLE) {
            has_output = write_some(pump);
        }
        if (came & (FCGI_WRITABLE | FCGI_READABLE | FCGI_CLIENT_READABLE)) {
            pump->waiting_since = fcgi_now();
        }
        if (came & FCGI_READABLE) {
            rv = read_some(pump, &got_any);
            if (!APR_STATUS_IS_EAGAIN(rv)) {
                return rv;
            }
            may_pause |= got_any;
        }
    }
}
