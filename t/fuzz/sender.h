/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* sender.h - the other direction of an exchange under test: gives chunks of a request body, takes
 * what is to be written in parts of any size, and knows which bytes have to come.
 * Ignores  what the backend answers, but that it is over.
 * Memory   one fixed buffer for all; a sender is started again for each exchange.
 * Threads  one. */
#ifndef FUZZ_SENDER_H
#define FUZZ_SENDER_H

#include "exchange.h"
#include "turns.h"

#define SENDER_REQUEST    "BEGIN_REQUEST and PARAMS"
#define SENDER_CHUNKS_MAX 3
#define SENDER_UNIT       4369      /* 15 of them fill a record */
#define SENDER_CHUNK_MAX  (31 * SENDER_UNIT)

/* A decision: 0 to 63 writes 1 to 64 bytes, up to 127 some kilobytes; above that it gives a chunk,
 * with these marks and its size, in bytes or units, in five bits; 255 ends all sending. */
enum {
    SENDER_GIVES = 0x80,
    SENDER_LAST = 0x40,
    SENDER_BIG = 0x20,
    SENDER_DROPS = 0xff
};

typedef struct {
    unsigned char wire[SENDER_CHUNKS_MAX * (SENDER_CHUNK_MAX + 32) + 64];   /* has to come */
    size_t wire_bytes, sent;
    size_t chunks_end;   /* up to here it is wanted before another chunk */
    unsigned chunks;
    bool last_was_given, is_dropped;
} sender_t;

static unsigned char sender_body[SENDER_CHUNK_MAX + SENDER_CHUNKS_MAX];

static inline void sender_expect(sender_t *s, const void *at, size_t bytes)
{
    assert(bytes <= sizeof(s->wire) - s->wire_bytes);
    if (bytes > 0) {
        memcpy(s->wire + s->wire_bytes, at, bytes);
        s->wire_bytes += bytes;
    }
}

static inline void sender_expect_record(sender_t *s, const unsigned char *at, size_t bytes)
{
    const unsigned char header[] = { 1, FCGI_STDIN, 0, 1, (unsigned char)(bytes >> 8),
                                     (unsigned char)bytes, 0, 0 };
    sender_expect(s, header, sizeof(header));
    sender_expect(s, at, bytes);
}

static inline void sender_start(sender_t *s, fcgi_exchange_t *x)
{
    for (size_t i = 0; sender_body[1] == 0 && i < sizeof(sender_body); i++) {
        sender_body[i] = (unsigned char)(i * 167 + i / 256);
    }
    s->wire_bytes = s->sent = s->chunks_end = 0;
    s->chunks = 0;
    s->last_was_given = s->is_dropped = false;
    sender_expect(s, SENDER_REQUEST, sizeof(SENDER_REQUEST) - 1);
    fcgi_exchange_init(x, 1, fc_span(SENDER_REQUEST, sizeof(SENDER_REQUEST) - 1));
}

static inline bool exchange_is_over(const fcgi_exchange_t *x)
{
    return x->state == FCGI_ENDED || x->state == FCGI_BROKEN;
}

/** Is all of it out, the end of the body too? */
static inline bool sender_is_done(const sender_t *s)
{
    return s->last_was_given && s->sent == s->wire_bytes;
}

static inline void sender_give_chunk(sender_t *s, fcgi_exchange_t *x, unsigned decision)
{
    const unsigned char *chunk = sender_body + s->chunks;
    size_t bytes = (decision & 31) * ((decision & SENDER_BIG) != 0 ? SENDER_UNIT : 1u);
    s->last_was_given = (decision & SENDER_LAST) != 0 || s->chunks + 1 == SENDER_CHUNKS_MAX;
    fcgi_exchange_body(x, fc_span(chunk, bytes), s->last_was_given);
    for (size_t at = 0, part; at < bytes; at += part) {
        part = bytes - at < FCGI_RECORD_CONTENT_MAX ? bytes - at : FCGI_RECORD_CONTENT_MAX;
        sender_expect_record(s, chunk + at, part);
        s->chunks_end = s->wire_bytes;
    }
    if (s->last_was_given) {
        sender_expect_record(s, NULL, 0);
    }
    s->chunks++;
}

/* Bytes in the spans; they have to be those that come next, and all of them if there was room. */
static inline size_t sender_check(const sender_t *s, const fc_span_t *out, size_t count,
                                  size_t max)
{
    size_t bytes = 0, left = s->wire_bytes - s->sent;
    assert(count <= max);
    for (size_t i = 0; i < count; i++) {
        assert(out[i].bytes > 0 && out[i].bytes <= left - bytes);
        assert(memcmp(out[i].at, s->wire + s->sent + bytes, out[i].bytes) == 0);
        bytes += out[i].bytes;
    }
    assert(bytes == left || count == max);
    return bytes;
}

static inline void sender_write(sender_t *s, fcgi_exchange_t *x, unsigned decision)
{
    fc_span_t out[8];
    size_t max = 4 + decision % 5, quota = decision < 64 ? decision + 1 : (decision - 63) * 1024;
    size_t count = fcgi_exchange_out(x, out, max);
    if (s->is_dropped || x->state == FCGI_BROKEN) {
        assert(count == 0);
        return;
    }
    size_t bytes = sender_check(s, out, count, max);
    bytes = bytes < quota ? bytes : quota;
    fcgi_exchange_sent(x, bytes);
    s->sent += bytes;
}

/** One turn of a driver: a chunk, if one is wanted, or a write that takes a part. */
static inline void sender_turn(sender_t *s, fcgi_exchange_t *x, unsigned decision)
{
    if (decision == SENDER_DROPS) {
        fcgi_exchange_drop_output(x);
        s->is_dropped = true;
    }
    bool wants = s->sent >= s->chunks_end && !s->last_was_given && !s->is_dropped
                 && !exchange_is_over(x);
    assert(fcgi_exchange_wants_body(x) == wants);
    if (decision < SENDER_GIVES) {
        sender_write(s, x, decision);
    }
    else if (wants) {
        sender_give_chunk(s, x, decision);
    }
    assert(fcgi_exchange_is_sent(x) == sender_is_done(s));
}

#endif
