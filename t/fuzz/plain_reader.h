/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* plain_reader.h - reads a backend's answer the obvious way, byte by byte and with all of it there.
 * Knows    records, where a head ends, what breaks an exchange; by itself, without record.c or
 *          response_head.c.
 * Ignores  pieces: that they change nothing is what fuzz_exchange.c compares with.
 * Memory   event logs are allocated, their owner frees them.   Threads: any. */
#ifndef FUZZ_PLAIN_READER_H
#define FUZZ_PLAIN_READER_H

#include "exchange.h"
#include "turns.h"

/* What came out: numbers under 256 are bytes, others say which event the bytes behind belong to.
 * Pieces of a body or of error text that follow each other count as one. */
typedef struct {
    uint16_t *at;
    size_t count, room;
    fcgi_event_kind_t last;
} event_log_t;

/* Each byte of input comes out once at most, and no event comes without one; END and BAD are
 * logged with up to 5 bytes more. */
static inline void event_log_open(event_log_t *log, size_t input_bytes)
{
    *log = (event_log_t){ .room = 2 * input_bytes + 8 };
    log->at = malloc(log->room * sizeof(*log->at));
    assert(log->at != NULL);
}

static inline void event_log_close(event_log_t *log)
{
    free(log->at);
}

static inline void event_log_add(event_log_t *log, fcgi_event_kind_t kind, const void *data,
                                 size_t bytes)
{
    const unsigned char *at = data;
    assert(log->last != FCGI_EVENT_END && log->last != FCGI_EVENT_BAD);   /* nothing behind these */
    assert(bytes < log->room - log->count);
    if (kind != log->last || kind == FCGI_EVENT_HEAD) {
        log->at[log->count++] = (uint16_t)(256 + kind);
    }
    for (size_t i = 0; i < bytes; i++) {
        log->at[log->count++] = at[i];
    }
    log->last = kind;
}

typedef struct {
    event_log_t log;
    fcgi_exchange_state_t state;
    fcgi_reason_t reason;
    bool head_is_complete, stream_is_doubtful;
    uint64_t body_bytes;
    size_t end;                     /* in FCGI_ENDED: all bytes, the padding of END_REQUEST too */
    const unsigned char *end_body;  /* in FCGI_ENDED: app_status, protocol_status */
    unsigned char *head;            /* so far */
    size_t head_bytes;
} plain_reader_t;

/* Other than real ones, these heads are interim by a single letter: short inputs get there. */
static inline bool plain_head_is_interim(fc_span_t head)
{
    return head.at[0] == '1';
}

static inline void plain_break(plain_reader_t *p, fcgi_reason_t reason)
{
    const unsigned char number = (unsigned char)reason;
    event_log_add(&p->log, FCGI_EVENT_BAD, &number, 1);
    p->reason = reason;
    p->state = FCGI_BROKEN;
}

/* An LF with nothing, or one CR and nothing else, between it and the LF before. */
static inline bool plain_head_is_whole(const unsigned char *head, size_t n)
{
    if (head[n - 1] != '\n') {
        return false;
    }
    if (n == 1 || head[n - 2] == '\n') {
        return true;
    }
    return head[n - 2] == '\r' && (n == 2 || head[n - 3] == '\n');
}

static inline void plain_stdout_byte(plain_reader_t *p, unsigned char byte)
{
    if (p->head_is_complete) {
        event_log_add(&p->log, FCGI_EVENT_BODY, &byte, 1);
        p->body_bytes++;
        return;
    }
    p->head[p->head_bytes++] = byte;
    if (plain_head_is_whole(p->head, p->head_bytes)) {
        event_log_add(&p->log, FCGI_EVENT_HEAD, p->head, p->head_bytes);
        p->head_is_complete = !plain_head_is_interim(fc_span(p->head, p->head_bytes));
        p->state = p->head_is_complete ? FCGI_READING_BODY : FCGI_READING_HEAD;
        p->head_bytes = 0;
    }
}

/* `here` bytes of the content have come, of `bytes`. */
static inline void plain_stdout(plain_reader_t *p, const unsigned char *content, size_t bytes,
                                size_t here)
{
    if (bytes == 0) {
        p->state = FCGI_STDOUT_ENDED;
    }
    else if (p->state == FCGI_STDOUT_ENDED) {
        plain_break(p, FCGI_REASON_AFTER_STDOUT);
        return;
    }
    for (size_t i = 0; i < here; i++) {
        plain_stdout_byte(p, content[i]);
    }
}

static inline void plain_end(plain_reader_t *p, const unsigned char *content, size_t bytes,
                             size_t here)
{
    if (bytes < 8) {
        plain_break(p, FCGI_REASON_SHORT_END);
    }
    else if (here == bytes) {
        event_log_add(&p->log, FCGI_EVENT_END, content, 5);
        p->end_body = content;
        p->state = FCGI_ENDED;
    }
}

static inline void plain_record(plain_reader_t *p, const unsigned char *header, size_t bytes,
                                size_t here)
{
    const unsigned char *content = header + 8;
    if (header[2] * 256 + header[3] != 1) {
        p->stream_is_doubtful = true;
    }
    else if (header[1] == FCGI_STDOUT) {
        plain_stdout(p, content, bytes, here);
    }
    else if (header[1] == FCGI_END_REQUEST) {
        plain_end(p, content, bytes, here);
    }
    else if (header[1] != FCGI_STDERR) {
        p->stream_is_doubtful = true;
    }
    else if (here > 0) {
        event_log_add(&p->log, FCGI_EVENT_STDERR, content, here);
    }
}

/** Read all of an answer to request 1; plain_reader_close() afterwards. */
static inline void plain_reader_read(plain_reader_t *p, fc_span_t in)
{
    *p = (plain_reader_t){ .state = FCGI_READING_HEAD, .head = malloc(in.bytes + 1) };
    assert(p->head != NULL);
    event_log_open(&p->log, in.bytes);
    for (size_t at = 0; at < in.bytes && p->state != FCGI_ENDED && p->state != FCGI_BROKEN;) {
        const unsigned char *header = in.at + at;
        if (header[0] != 1) {
            plain_break(p, FCGI_REASON_VERSION);
            return;
        }
        if (in.bytes - at < 8) {
            return;
        }
        size_t bytes = header[4] * 256u + header[5], left = in.bytes - at - 8;
        plain_record(p, header, bytes, bytes < left ? bytes : left);
        at += 8 + bytes + header[6];
        p->end = at;
    }
}

static inline void plain_reader_close(plain_reader_t *p)
{
    event_log_close(&p->log);
    free(p->head);
}

#endif
