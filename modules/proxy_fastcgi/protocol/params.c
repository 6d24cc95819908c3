/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* params.c - lays out name/value pairs as PARAMS records.
 * Knows    the length-prefixed pair and the 65535-byte limit (FastCGI 1.0, 3.3 and 3.4).
 * Ignores  httpd, sockets, and which variables exist (cgi_environment.c decides that).
 * Memory   writes into the caller's buffer, keeps nothing.   Threads: any, no state. */
#include "params.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#define SHORT_LENGTH_MAX 127   /* longer ones take four bytes, the first with its high bit set */

static size_t length_bytes(size_t length)
{
    return length <= SHORT_LENGTH_MAX ? 1 : 4;
}

/* Nearly all are. */
static bool is_short(const fcgi_pair_t *pair)
{
    return (pair->name.bytes | pair->value.bytes) <= SHORT_LENGTH_MAX;
}

/* Anything over FCGI_RECORD_CONTENT_MAX only means "too big": no sum can wrap around. */
static size_t pair_bytes(const fcgi_pair_t *pair)
{
    const size_t name = pair->name.bytes, value = pair->value.bytes;
    if (is_short(pair)) {
        return 1 + 1 + name + value;
    }
    if (name > FCGI_RECORD_CONTENT_MAX || value > FCGI_RECORD_CONTENT_MAX) {
        return FCGI_RECORD_CONTENT_MAX + 1;
    }
    return length_bytes(name) + length_bytes(value) + name + value;
}

static unsigned char *put_length(unsigned char *out, size_t length)
{
    if (length <= SHORT_LENGTH_MAX) {
        *out = (unsigned char)length;
        return out + 1;
    }
    out[0] = (unsigned char)(0x80 | (length >> 24 & 0x7f));
    out[1] = (unsigned char)(length >> 16 & 0xff);
    out[2] = (unsigned char)(length >> 8 & 0xff);
    out[3] = (unsigned char)(length & 0xff);
    return out + 4;
}

static unsigned char *put_text(unsigned char *out, fc_span_t text)
{
    if (text.bytes > 0) {   /* an empty span may point nowhere, which memcpy forbids */
        memcpy(out, text.at, text.bytes);
    }
    return out + text.bytes;
}

static unsigned char *put_pair(unsigned char *out, const fcgi_pair_t *pair)
{
    if (is_short(pair)) {
        *out++ = (unsigned char)pair->name.bytes;
        *out++ = (unsigned char)pair->value.bytes;
    }
    else {
        out = put_length(out, pair->name.bytes);
        out = put_length(out, pair->value.bytes);
    }
    out = put_text(out, pair->name);
    return put_text(out, pair->value);
}

fcgi_result_t fcgi_params_measure(const fcgi_pair_t *pairs, size_t count, size_t *bytes,
                                  size_t *too_big)
{
    size_t sum = FCGI_RECORD_HEADER_BYTES;   /* the empty record at the end */
    size_t room = 0;                         /* in the current record */

    for (size_t i = 0; i < count; i++) {
        const size_t pair = pair_bytes(&pairs[i]);
        if (pair > FCGI_RECORD_CONTENT_MAX) {
            *too_big = i;
            return FCGI_BAD;
        }
        if (pair > room) {
            sum += FCGI_RECORD_HEADER_BYTES;
            room = FCGI_RECORD_CONTENT_MAX;
        }
        room -= pair;
        sum += pair;
    }
    *bytes = sum;
    return FCGI_OK;
}

/* One record, with as many of the pairs as fit into it.
 * returns  how many */
static size_t put_record(const fcgi_pair_t *pairs, size_t count, uint16_t request_id,
                         unsigned char **out)
{
    unsigned char *content = *out + FCGI_RECORD_HEADER_BYTES, *at = content;
    size_t i = 0;

    for (size_t room = FCGI_RECORD_CONTENT_MAX, bytes;
         i < count && (bytes = pair_bytes(&pairs[i])) <= room; i++) {
        at = put_pair(at, &pairs[i]);
        room -= bytes;
    }
    fcgi_record_encode(*out, FCGI_PARAMS, request_id, (uint16_t)(at - content));
    *out = at;
    return i;
}

size_t fcgi_params_encode(const fcgi_pair_t *pairs, size_t count, uint16_t request_id,
                          unsigned char *out)
{
    unsigned char *at = out;

    for (size_t i = 0; i < count;) {
        const size_t put = put_record(pairs + i, count - i, request_id, &at);
        assert(put > 0);   /* else fcgi_params_measure() was not asked, or not listened to */
        i += put;
    }
    (void)put_record(pairs, 0, request_id, &at);
    return (size_t)(at - out);
}
