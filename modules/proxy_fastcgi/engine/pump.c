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

/* Fetch the next chunk of the body. Before waiting for the client, an early answer is read. */
static apr_status_t fetch_chunk(fcgi_pump_t *pump, bool is_first)
{
    fcgi_span_t chunk;
    bool last, got_any;

    if (!is_first) {
        const apr_status_t rv = read_some(pump, &got_any);
        if (!APR_STATUS_IS_EAGAIN(rv)) {
            return rv;
        }
    }
    if (!pump->owner->next_chunk(pump->baton, &chunk, &last)) {
        return stop(pump);
    }
    fcgi_exchange_body(pump->exchange, chunk, last);
    return APR_EAGAIN;
}

/* Wait for the backend; when it is silent for flush_wait, what the client has not got is sent. */
static apr_status_t wait_with_pause(fcgi_pump_t *pump, bool or_writable, bool *may_pause)
{
    if (*may_pause && pump->flush_wait >= 0) {
        *may_pause = false;
        const apr_status_t rv =
            fcgi_connection_wait(pump->connection, or_writable, pump->flush_wait);
        if (!APR_STATUS_IS_TIMEUP(rv)) {
            return rv;
        }
        if (!pump->owner->on_pause(pump->baton)) {
            return stop(pump);
        }
    }
    return fcgi_connection_wait(pump->connection, or_writable, pump->timeout);
}

apr_status_t fcgi_pump_run(fcgi_pump_t *pump)
{
    bool is_first = true;
    bool has_output = false;   /* that waits for room */
    bool may_pause = false;    /* something was handed out since the last pause */
    bool got_any;

    for (;;) {
        apr_status_t rv;
        while (fcgi_exchange_wants_body(pump->exchange)) {
            rv = fetch_chunk(pump, is_first);
            if (!APR_STATUS_IS_EAGAIN(rv)) {
                return rv;
            }
            is_first = false;
            has_output = write_some(pump);
        }
        rv = wait_with_pause(pump, has_output, &may_pause);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (has_output) {
            has_output = write_some(pump);
        }
        rv = read_some(pump, &got_any);
        if (!APR_STATUS_IS_EAGAIN(rv)) {
            return rv;
        }
        may_pause |= got_any;
    }
}
