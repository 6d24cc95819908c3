/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* transcript.h - what a backend says, written record by record, for the tests of an exchange.
 * Knows    the record header (its own, so that record.c is tested too).
 * Ignores  Check, exchanges.
 * Memory   one fixed buffer in each transcript; too much text aborts.   Threads: any. */
#ifndef FCGI_TRANSCRIPT_H
#define FCGI_TRANSCRIPT_H

#include <stdlib.h>
#include <string.h>

#include "record.h"

typedef struct {
    unsigned char at[512 * 1024];
    size_t bytes;
} transcript_t;

static inline void transcript_bytes(transcript_t *t, const void *at, size_t bytes)
{
    if (bytes > sizeof(t->at) - t->bytes) {
        abort();
    }
    if (bytes > 0) {
        memcpy(t->at + t->bytes, at, bytes);
        t->bytes += bytes;
    }
}

/** Add one record; its padding is filled with 0xee, so that padding read as content shows. */
static inline void transcript_record(transcript_t *t, unsigned type, unsigned request_id,
                                     const void *content, size_t bytes, unsigned padding)
{
    const unsigned char header[] = {
        1, (unsigned char)type, (unsigned char)(request_id >> 8), (unsigned char)request_id,
        (unsigned char)(bytes >> 8), (unsigned char)bytes, (unsigned char)padding, 0
    };
    unsigned char pad[255];
    memset(pad, 0xee, sizeof(pad));
    transcript_bytes(t, header, sizeof(header));
    transcript_bytes(t, content, bytes);
    transcript_bytes(t, pad, padding);
}

static inline void transcript_text(transcript_t *t, unsigned type, unsigned request_id,
                                   const char *text)
{
    transcript_record(t, type, request_id, text, strlen(text), 0);
}

static inline void transcript_end(transcript_t *t, unsigned request_id, unsigned app_status,
                                  unsigned protocol_status, unsigned padding)
{
    const unsigned char body[] = {
        (unsigned char)(app_status >> 24), (unsigned char)(app_status >> 16),
        (unsigned char)(app_status >> 8), (unsigned char)app_status,
        (unsigned char)protocol_status, 0, 0, 0
    };
    transcript_record(t, FCGI_END_REQUEST, request_id, body, sizeof(body), padding);
}

/** A number that looks random and is the same in each run (xorshift32). */
static inline unsigned transcript_dice(unsigned *seed, unsigned sides)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed % sides;
}

#endif
