/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fuzz_exchange.c - any bytes as a backend's answer: however they are cut, and however far the
 * request is out, what comes of them is what a plain reader reads.
 * The input starts with the growth of the space for a head, the lengths of the pieces, and the
 * decisions of the sender. */
#include "exchange.h"
#include "plain_reader.h"
#include "sender.h"
#include "turns.h"

typedef struct {
    fcgi_exchange_t x;
    event_log_t log;
    unsigned char *space;   /* for a head */
    size_t space_bytes, space_step;
    size_t consumed;
} player_t;

static sender_t sender;

static bool lies_in(fc_span_t part, fc_span_t whole)
{
    return part.at >= whole.at && part.at + part.bytes <= whole.at + whole.bytes;
}

static void give_space(player_t *p, fc_span_t so_far)
{
    fc_span_t asked = fcgi_exchange_head_so_far(&p->x);
    assert(so_far.at == p->space && so_far.bytes <= p->space_bytes);
    assert(asked.at == so_far.at && asked.bytes == so_far.bytes);
    unsigned char *more = malloc(p->space_bytes += p->space_step);
    assert(more != NULL);
    fcgi_exchange_head_space(&p->x, more, p->space_bytes);
    free(p->space);   /* ours again: a sanitizer sees if it is still used */
    p->space = more;
}

static void note_head(player_t *p, fc_span_t head, fc_span_t fed)
{
    assert(p->x.head_is_complete && p->x.state == FCGI_READING_BODY && head.bytes > 0);
    assert(lies_in(head, fed) || lies_in(head, fc_span(p->space, p->space_bytes)));
    assert(fcgi_exchange_head_so_far(&p->x).bytes == 0);
    event_log_add(&p->log, FCGI_EVENT_HEAD, head.at, head.bytes);
    if (plain_head_is_interim(head)) {
        fcgi_exchange_expect_another_head(&p->x);
        assert(!p->x.head_is_complete && p->x.state == FCGI_READING_HEAD);
    }
}

static void note_end(player_t *p)
{
    const unsigned char numbers[] = {
        (unsigned char)(p->x.app_status >> 24), (unsigned char)(p->x.app_status >> 16),
        (unsigned char)(p->x.app_status >> 8), (unsigned char)p->x.app_status,
        p->x.protocol_status
    };
    assert(p->x.state == FCGI_ENDED && p->x.reason == FCGI_REASON_NONE);
    event_log_add(&p->log, FCGI_EVENT_END, numbers, sizeof(numbers));
}

static void note_bad(player_t *p)
{
    const unsigned char number = (unsigned char)p->x.reason;
    assert(p->x.state == FCGI_BROKEN && p->x.reason != FCGI_REASON_NONE);
    event_log_add(&p->log, FCGI_EVENT_BAD, &number, 1);
}

static void note(player_t *p, fcgi_event_t event, fc_span_t fed)
{
    switch (event.kind) {
    case FCGI_EVENT_HEAD_SPACE:
        give_space(p, event.data);
        break;
    case FCGI_EVENT_HEAD:
        note_head(p, event.data, fed);
        break;
    case FCGI_EVENT_BODY:
    case FCGI_EVENT_STDERR:
        assert(event.data.bytes > 0 && lies_in(event.data, fed));
        event_log_add(&p->log, event.kind, event.data.at, event.data.bytes);
        break;
    case FCGI_EVENT_END:
        note_end(p);
        break;
    case FCGI_EVENT_BAD:
        note_bad(p);
        break;
    case FCGI_EVENT_MORE:
        assert(!"no event");
    }
}

/* Feeds one piece; returns the bytes of it that are left, which only an end may leave. */
static size_t feed(player_t *p, fc_span_t fed)
{
    fc_span_t rest = fed, before = rest;
    fcgi_event_t event;
    while ((event = fcgi_exchange_feed(&p->x, &rest)).kind != FCGI_EVENT_MORE) {
        assert(rest.at >= before.at && rest.at + rest.bytes == fed.at + fed.bytes);
        /* Each event uses something up, but the wish for space: that ends, because it grows. */
        assert(rest.bytes < before.bytes || event.kind == FCGI_EVENT_HEAD_SPACE);
        note(p, event, fed);
        before = rest;
    }
    p->consumed += fed.bytes - rest.bytes;
    assert(p->x.bytes_received == p->consumed);
    assert(rest.bytes == 0 || exchange_is_over(&p->x));
    return rest.bytes;
}

static void start(player_t *p, size_t input_bytes, size_t space_step)
{
    memset(p, 0xee, sizeof(*p));   /* init has to set everything */
    p->space = NULL;
    p->space_bytes = p->consumed = 0;
    p->space_step = space_step;
    event_log_open(&p->log, input_bytes);
    sender_start(&sender, &p->x);
}

/* The peer closes; what was over stays as it was, and nothing is said twice. */
static void check_eof(player_t *p)
{
    const unsigned char more[] = { 1, 6, 0, 1 };
    const fcgi_exchange_t before = p->x;
    const bool was_over = exchange_is_over(&before);
    fcgi_exchange_eof(&p->x);
    assert(p->x.state == (was_over ? before.state : FCGI_BROKEN));
    assert(p->x.reason == (was_over ? before.reason : FCGI_REASON_EOF));
    for (int turn = 0; turn < 2; turn++) {
        fc_span_t in = fc_span(more, sizeof(more));
        fcgi_event_kind_t kind = fcgi_exchange_feed(&p->x, &in).kind;
        bool is_news = turn == 0 && !was_over;
        assert(kind == (is_news ? FCGI_EVENT_BAD : FCGI_EVENT_MORE) && in.bytes == sizeof(more));
    }
    assert(!fcgi_exchange_wants_body(&p->x));
}

static void check_clean(const player_t *p, const plain_reader_t *plain, size_t unread)
{
    bool is_clean = plain->state == FCGI_ENDED && plain->end_body[4] == FCGI_REQUEST_COMPLETE
                    && !plain->stream_is_doubtful && p->consumed == plain->end
                    && sender_is_done(&sender) && unread == 0;
    assert(fcgi_exchange_connection_is_clean(&p->x, unread) == is_clean);
    assert(!fcgi_exchange_connection_is_clean(&p->x, unread + 1));
}

static void finish(player_t *p, const plain_reader_t *plain, size_t unread)
{
    assert(p->log.count == plain->log.count);
    assert(memcmp(p->log.at, plain->log.at, p->log.count * sizeof(*p->log.at)) == 0);
    assert(p->x.state == plain->state && p->x.reason == plain->reason);
    assert(p->x.head_is_complete == plain->head_is_complete);
    assert(p->x.stream_is_doubtful == plain->stream_is_doubtful);
    assert(p->x.body_bytes == plain->body_bytes);
    /* The end does not wait for its padding, but takes what has come of it. */
    assert(plain->state != FCGI_ENDED || p->consumed == plain->end
           || (p->consumed < plain->end && unread == 0));
    check_clean(p, plain, unread);
    check_eof(p);
    event_log_close(&p->log);
    free(p->space);
}

static void play(fc_span_t in, fuzz_turns_t cuts, fuzz_turns_t writes, size_t space_step,
                 const plain_reader_t *plain)
{
    static player_t p;
    size_t unread = 0;
    start(&p, in.bytes, space_step);
    while (in.bytes > 0 && !exchange_is_over(&p.x)) {
        if (writes.bytes.bytes > 0) {
            sender_turn(&sender, &p.x, fuzz_turns_next(&writes));
        }
        fc_span_t piece = fuzz_turns_piece(&cuts, in);
        unread = feed(&p, piece);
        in = fc_span_after(in, piece.bytes);
        fuzz_turns_free(piece);
    }
    for (size_t i = 0; i < writes.bytes.bytes; i++) {
        sender_turn(&sender, &p.x, fuzz_turns_next(&writes));
    }
    finish(&p, plain, unread);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const fuzz_turns_t undecided = { { NULL, 0 }, 0 };
    plain_reader_t plain;
    if (size == 0) {
        return 0;
    }
    fc_span_t in = fc_span(data + 1, size - 1);
    fuzz_turns_t cuts = fuzz_turns_take(&in), writes = fuzz_turns_take(&in);
    plain_reader_read(&plain, in);
    play(in, undecided, undecided, in.bytes, &plain);   /* of space, one growth is enough */
    play(in, cuts, writes, 1 + data[0], &plain);
    plain_reader_close(&plain);
    return 0;
}
