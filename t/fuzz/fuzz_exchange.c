/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fuzz_exchange.c - any bytes as a backend's answer: however they are cut, the same comes out.
 * The first byte is the size of the pieces, the second the growth of the space for a head; pieces
 * of a body or of error text that follow each other count as one. */
#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "exchange.h"

#define ID 1

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What came out, as one number. */
typedef struct {
    uint64_t sum;
    fcgi_event_kind_t last;
    size_t consumed;
    fcgi_exchange_t x;
} outcome_t;

static void add(outcome_t *o, unsigned byte)
{
    o->sum = (o->sum ^ byte) * 0x100000001b3u;   /* FNV-1a */
}

static void note(outcome_t *o, fcgi_event_t event, fcgi_span_t fed)
{
    assert(o->last != FCGI_EVENT_END && o->last != FCGI_EVENT_BAD);
    if (event.kind != o->last || event.kind == FCGI_EVENT_HEAD) {
        add(o, 256 + event.kind);
    }
    o->last = event.kind;
    if (event.kind == FCGI_EVENT_BODY || event.kind == FCGI_EVENT_STDERR) {
        assert(event.data.bytes > 0 && event.data.at >= fed.at);
        assert(event.data.at + event.data.bytes <= fed.at + fed.bytes);
    }
    for (size_t i = 0; i < event.data.bytes; i++) {
        add(o, event.data.at[i]);
    }
}

/* Other than real ones, these heads are interim by a single letter: short inputs get there. */
static void note_head(outcome_t *o, fcgi_span_t head)
{
    assert(o->x.head_is_complete && head.bytes > 0 && head.at[head.bytes - 1] == '\n');
    if (head.at[0] == '1') {
        fcgi_exchange_expect_another_head(&o->x);
    }
}

static unsigned char *grow(outcome_t *o, unsigned char *space, size_t *bytes, size_t step)
{
    unsigned char *more = malloc(*bytes += step);
    assert(more != NULL);
    fcgi_exchange_head_space(&o->x, more, *bytes);
    free(space);
    return more;
}

static void play(outcome_t *o, fcgi_span_t in, size_t piece, size_t step)
{
    unsigned char *space = NULL;
    size_t space_bytes = 0;
    *o = (outcome_t){ .sum = 0xcbf29ce484222325u };
    fcgi_exchange_init(&o->x, ID, fcgi_span(NULL, 0));
    while (in.bytes > 0) {
        fcgi_span_t fed = fcgi_span(in.at, piece < in.bytes ? piece : in.bytes), rest = fed;
        fcgi_event_t event;
        while ((event = fcgi_exchange_feed(&o->x, &rest)).kind != FCGI_EVENT_MORE) {
            if (event.kind == FCGI_EVENT_HEAD_SPACE) {
                space = grow(o, space, &space_bytes, step);
                continue;
            }
            note(o, event, fed);
            if (event.kind == FCGI_EVENT_HEAD) {
                note_head(o, event.data);
            }
        }
        o->consumed += fed.bytes - rest.bytes;
        assert(o->x.bytes_received == o->consumed);
        if (rest.bytes > 0) {
            assert(o->x.state == FCGI_ENDED || o->x.state == FCGI_BROKEN);
            break;
        }
        in = fcgi_span_after(in, fed.bytes);
    }
    free(space);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static outcome_t whole, cut;
    if (size < 2) {
        return 0;
    }
    fcgi_span_t in = fcgi_span(data + 2, size - 2);
    play(&whole, in, SIZE_MAX, 1 + data[1]);
    play(&cut, in, 1 + data[0], 1 + data[1]);
    assert(whole.sum == cut.sum);
    assert(whole.x.state == cut.x.state && whole.x.reason == cut.x.reason);
    assert(whole.x.stream_is_doubtful == cut.x.stream_is_doubtful);
    assert(whole.x.body_bytes == cut.x.body_bytes);
    assert(whole.x.head_is_complete == cut.x.head_is_complete);
    return 0;
}
