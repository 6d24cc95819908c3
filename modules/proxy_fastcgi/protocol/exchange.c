/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* exchange.c - one request and its reply on one connection, as a state machine without I/O.
 * Knows    the order of records, which bytes to send next, what each piece of input means.
 * Ignores  sockets, time, httpd, what a header field means.
 * Memory   allocates nothing: input is borrowed for the time of a call, output spans point into
 *          the caller's buffers and into the struct.   Threads: one at a time. */
#include "exchange.h"

#include <assert.h>
#include <string.h>

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool is_over(const fcgi_exchange_t *x)
{
    return x->state == FCGI_ENDED || x->state == FCGI_BROKEN;
}

static void change_state(fcgi_exchange_t *x, fcgi_exchange_state_t state)
{
    assert(!is_over(x));
    x->state = state;
}

static fcgi_event_t no_event(void)
{
    return (fcgi_event_t){ FCGI_EVENT_MORE, { NULL, 0 } };
}

/* ---- What goes out: the request, STDIN records, an empty STDIN record ------------------------ */

/* All records of a chunk are full but its last, so two headers serve a chunk of any length. */
static fc_span_t next_header(const fcgi_exchange_t *x, const fcgi_outgoing_t *o)
{
    const unsigned char *header = o->chunk.bytes >= FCGI_RECORD_CONTENT_MAX ? x->full_header
                                                                            : x->rest_header;
    return fc_span(header + o->header_sent, FCGI_RECORD_HEADER_BYTES - o->header_sent);
}

/* The piece that is to go next; empty when there is nothing. */
static fc_span_t next_piece(const fcgi_exchange_t *x, const fcgi_outgoing_t *o)
{
    if (o->request.bytes > 0) {
        return o->request;
    }
    if (o->record_left > 0) {
        return fc_span(o->chunk.at, o->record_left);
    }
    if (o->chunk.bytes > 0) {
        return next_header(x, o);
    }
    if (x->last_chunk_was_given) {
        return fc_span(x->end_header + o->end_sent, FCGI_RECORD_HEADER_BYTES - o->end_sent);
    }
    return fc_span(NULL, 0);
}

static void step_through_header(fcgi_outgoing_t *o, size_t bytes)
{
    o->header_sent = (uint8_t)(o->header_sent + bytes);
    if (o->header_sent == FCGI_RECORD_HEADER_BYTES) {
        o->header_sent = 0;
        o->record_left = (uint16_t)smaller(o->chunk.bytes, FCGI_RECORD_CONTENT_MAX);
    }
}

/* What lies elsewhere has no address that could move. */
static fc_span_t rest_of(fc_span_t chunk, size_t bytes)
{
    return chunk.at ? fc_span_after(chunk, bytes) : fc_span(NULL, chunk.bytes - bytes);
}

/* `bytes` of next_piece() have gone. */
static void step(fcgi_outgoing_t *o, size_t bytes)
{
    if (o->request.bytes > 0) {
        o->request = fc_span_after(o->request, bytes);
    }
    else if (o->record_left > 0) {
        o->chunk = rest_of(o->chunk, bytes);
        o->record_left = (uint16_t)(o->record_left - bytes);
    }
    else if (o->chunk.bytes > 0) {
        step_through_header(o, bytes);
    }
    else {
        o->end_sent = (uint8_t)(o->end_sent + bytes);
    }
}

bool fcgi_exchange_wants_body(const fcgi_exchange_t *x)
{
    return x->outgoing.chunk.bytes == 0 && !x->last_chunk_was_given && !x->output_is_dropped
           && !is_over(x);
}

void fcgi_exchange_body(fcgi_exchange_t *x, fc_span_t chunk, bool last)
{
    assert(x->outgoing.chunk.bytes == 0 && !x->last_chunk_was_given);
    x->outgoing.chunk = chunk;
    x->last_chunk_was_given = last;
    fcgi_record_encode(x->rest_header, FCGI_STDIN, x->request_id,
                       (uint16_t)(chunk.bytes % FCGI_RECORD_CONTENT_MAX));
}

size_t fcgi_exchange_out(fcgi_exchange_t *x, fc_span_t *out, size_t max)
{
    fcgi_outgoing_t ahead = x->outgoing;
    size_t count = 0;
    assert(max >= 4);
    if (x->output_is_dropped || x->state == FCGI_BROKEN) {
        return 0;
    }
    while (count < max) {
        fc_span_t piece = next_piece(x, &ahead);
        if (piece.bytes == 0) {
            break;
        }
        out[count++] = piece;
        step(&ahead, piece.bytes);
    }
    return count;
}

void fcgi_exchange_sent(fcgi_exchange_t *x, size_t bytes)
{
    while (bytes > 0) {
        size_t part = smaller(bytes, next_piece(x, &x->outgoing).bytes);
        assert(part > 0);   /* else more was sent than there was */
        step(&x->outgoing, part);
        bytes -= part;
    }
}

void fcgi_exchange_drop_output(fcgi_exchange_t *x)
{
    x->output_is_dropped = true;
}

bool fcgi_exchange_is_sent(const fcgi_exchange_t *x)
{
    return x->last_chunk_was_given && next_piece(x, &x->outgoing).bytes == 0;
}

/* ---- What comes in: record headers, content, padding ----------------------------------------- */

static fc_span_t take(fcgi_exchange_t *x, fc_span_t *in, size_t bytes)
{
    fc_span_t taken = fc_span(in->at, bytes);
    *in = fc_span_after(*in, bytes);
    x->bytes_received += bytes;
    return taken;
}

static fc_span_t take_content(fcgi_exchange_t *x, fc_span_t *in, size_t bytes)
{
    x->content_left = (uint16_t)(x->content_left - bytes);
    x->content_bytes += x->record_is_skipped ? 0 : bytes;
    return take(x, in, bytes);
}

/* As much content of the current record as has been fed. */
static size_t content_here(const fcgi_exchange_t *x, const fc_span_t *in)
{
    return smaller(x->content_left, in->bytes);
}

static void skip_padding(fcgi_exchange_t *x, fc_span_t *in)
{
    size_t bytes = smaller(x->padding_left, in->bytes);
    x->padding_left = (uint8_t)(x->padding_left - bytes);
    take(x, in, bytes);
}

static void break_off(fcgi_exchange_t *x, fcgi_reason_t reason)
{
    x->reason = reason;
    change_state(x, FCGI_BROKEN);
}

static void open_stdout(fcgi_exchange_t *x)
{
    if (x->content_left == 0) {
        change_state(x, FCGI_STDOUT_ENDED);
    }
    else if (x->state == FCGI_STDOUT_ENDED) {
        break_off(x, FCGI_REASON_AFTER_STDOUT);
    }
}

static void open_end(fcgi_exchange_t *x)
{
    if (x->content_left < FCGI_END_BODY_BYTES) {
        break_off(x, FCGI_REASON_SHORT_END);
    }
}

static void skip_record(fcgi_exchange_t *x)
{
    x->record_is_skipped = true;
    x->stream_is_doubtful = true;
}

static void open_by_type(fcgi_exchange_t *x)
{
    switch (x->record.type) {
    case FCGI_STDOUT:
        open_stdout(x);
        break;
    case FCGI_END_REQUEST:
        open_end(x);
        break;
    case FCGI_STDERR:
        break;
    default:
        skip_record(x);
    }
}

/* What a record header alone decides. */
static void open_record(fcgi_exchange_t *x)
{
    x->header_bytes = 0;
    x->content_left = x->record.content_bytes;
    x->padding_left = x->record.padding_bytes;
    x->record_is_skipped = false;
    if (x->record.request_id != x->request_id) {
        skip_record(x);
    }
    else {
        open_by_type(x);
    }
    if (++x->vain_records > FCGI_VAIN_RECORDS_MAX && !is_over(x)) {
        break_off(x, FCGI_REASON_VAIN);
    }
}

static void read_header(fcgi_exchange_t *x, fc_span_t *in)
{
    size_t bytes = smaller(FCGI_RECORD_HEADER_BYTES - x->header_bytes, in->bytes);
    memcpy(x->header + x->header_bytes, take(x, in, bytes).at, bytes);
    x->header_bytes = (uint8_t)(x->header_bytes + bytes);
    switch (fcgi_record_decode(fc_span(x->header, x->header_bytes), &x->record)) {
    case FCGI_OK:
        open_record(x);
        break;
    case FCGI_BAD:
        break_off(x, FCGI_REASON_VERSION);
        break;
    case FCGI_MORE:
        break;
    }
}

static fcgi_event_t finish_head(fcgi_exchange_t *x, fc_span_t head)
{
    x->head_is_complete = true;
    change_state(x, FCGI_READING_BODY);
    return (fcgi_event_t){ FCGI_EVENT_HEAD, head };
}

/* A head in one piece stays where it is; otherwise its pieces go to the caller's space. */
static fcgi_event_t read_head(fcgi_exchange_t *x, fc_span_t *in)
{
    fcgi_head_scan_t scan = x->scan;
    size_t bytes;
    fcgi_result_t result = fcgi_head_scan(&scan, fc_span(in->at, content_here(x, in)), &bytes);
    if (result == FCGI_OK && x->head_bytes == 0) {
        return finish_head(x, take_content(x, in, bytes));
    }
    if (bytes > x->head_space - x->head_bytes) {
        return (fcgi_event_t){ FCGI_EVENT_HEAD_SPACE, { x->head, x->head_bytes } };
    }
    memcpy(x->head + x->head_bytes, take_content(x, in, bytes).at, bytes);
    x->head_bytes += bytes;
    x->scan = scan;
    return result == FCGI_OK ? finish_head(x, fc_span(x->head, x->head_bytes)) : no_event();
}

static fcgi_event_t read_body(fcgi_exchange_t *x, fc_span_t *in)
{
    fc_span_t piece = take_content(x, in, content_here(x, in));
    x->body_bytes += piece.bytes;
    return (fcgi_event_t){ FCGI_EVENT_BODY, piece };
}

static fcgi_event_t read_stdout(fcgi_exchange_t *x, fc_span_t *in)
{
    if (x->state == FCGI_READING_HEAD) {
        return read_head(x, in);
    }
    assert(x->state == FCGI_READING_BODY);   /* open_stdout() let nothing else through */
    return read_body(x, in);
}

static fcgi_event_t read_end(fcgi_exchange_t *x, fc_span_t *in)
{
    size_t bytes = smaller(FCGI_END_BODY_BYTES - x->end_body_bytes, content_here(x, in));
    const unsigned char *body = x->end_body;
    memcpy(x->end_body + x->end_body_bytes, take_content(x, in, bytes).at, bytes);
    x->end_body_bytes = (uint8_t)(x->end_body_bytes + bytes);
    take_content(x, in, content_here(x, in));   /* more than the standard's eight bytes */
    if (x->content_left > 0) {
        return no_event();
    }
    skip_padding(x, in);
    x->app_status = (uint32_t)body[0] << 24 | (uint32_t)body[1] << 16 | (uint32_t)body[2] << 8
                    | body[3];
    x->protocol_status = body[4];
    change_state(x, FCGI_ENDED);
    return (fcgi_event_t){ FCGI_EVENT_END, { NULL, 0 } };
}

static fcgi_event_t read_content(fcgi_exchange_t *x, fc_span_t *in)
{
    if (x->record_is_skipped) {
        take_content(x, in, content_here(x, in));
        return no_event();
    }
    x->vain_records = 0;
    switch (x->record.type) {
    case FCGI_STDOUT:
        return read_stdout(x, in);
    case FCGI_END_REQUEST:
        return read_end(x, in);
    default:
        assert(x->record.type == FCGI_STDERR);
        return (fcgi_event_t){ FCGI_EVENT_STDERR, take_content(x, in, content_here(x, in)) };
    }
}

/* Goes on to the next border: of a header, of content, of padding, or of the input. */
static fcgi_event_t read_part(fcgi_exchange_t *x, fc_span_t *in)
{
    if (x->content_left > 0) {
        return read_content(x, in);
    }
    if (x->padding_left > 0) {
        skip_padding(x, in);
    }
    else {
        read_header(x, in);
    }
    return no_event();
}

fcgi_event_t fcgi_exchange_feed(fcgi_exchange_t *x, fc_span_t *in)
{
    fcgi_event_t event = no_event();
    while (in->bytes > 0 && event.kind == FCGI_EVENT_MORE && !is_over(x)) {
        event = read_part(x, in);
    }
    if (x->state == FCGI_BROKEN && !x->bad_was_told) {
        x->bad_was_told = true;
        event.kind = FCGI_EVENT_BAD;
    }
    return event;
}

void fcgi_exchange_head_space(fcgi_exchange_t *x, unsigned char *space, size_t bytes)
{
    assert(bytes >= x->head_space);
    if (x->head_bytes > 0) {
        memmove(space, x->head, x->head_bytes);
    }
    x->head = space;
    x->head_space = bytes;
}

fc_span_t fcgi_exchange_head_so_far(const fcgi_exchange_t *x)
{
    return fc_span(x->head, x->head_is_complete ? 0 : x->head_bytes);
}

void fcgi_exchange_expect_another_head(fcgi_exchange_t *x)
{
    assert(x->state == FCGI_READING_BODY && x->body_bytes == 0);   /* right after a head event */
    x->scan = (fcgi_head_scan_t){ 0, 0 };
    x->head_bytes = 0;
    x->head_is_complete = false;
    change_state(x, FCGI_READING_HEAD);
}

void fcgi_exchange_eof(fcgi_exchange_t *x)
{
    if (!is_over(x)) {
        break_off(x, FCGI_REASON_EOF);
    }
}

/* ---- The whole exchange ---------------------------------------------------------------------- */

void fcgi_exchange_init(fcgi_exchange_t *x, uint16_t request_id, fc_span_t request)
{
    assert(request_id != 0);   /* that id is for management records (FastCGI 1.0, 3.3) */
    *x = (fcgi_exchange_t){ .request_id = request_id, .outgoing.request = request };
    fcgi_record_encode(x->full_header, FCGI_STDIN, request_id, FCGI_RECORD_CONTENT_MAX);
    fcgi_record_encode(x->end_header, FCGI_STDIN, request_id, 0);
}

bool fcgi_exchange_connection_is_clean(const fcgi_exchange_t *x, size_t unread)
{
    return x->state == FCGI_ENDED && x->protocol_status == FCGI_REQUEST_COMPLETE
           && fcgi_exchange_is_sent(x) && !x->stream_is_doubtful && x->padding_left == 0
           && unread == 0;
}

const char *fcgi_exchange_state_name(fcgi_exchange_state_t state)
{
    static const char *const names[] = {
#define X(symbol, name, meaning) [symbol] = name,
        FCGI_EXCHANGE_STATES(X)
#undef X
    };
    assert(state < FCGI_EXCHANGE_STATE_COUNT);
    return names[state];
}

const char *fcgi_exchange_reason_text(fcgi_reason_t reason)
{
    static const char *const sentences[] = {
#define X(symbol, sentence) [symbol] = sentence,
        FCGI_REASONS(X)
#undef X
    };
    assert(reason < FCGI_REASON_COUNT);
    return sentences[reason];
}
