/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* params.c - lays out name/value pairs as PARAMS records.
 * Knows    the length-prefixed pair and the 65535-byte limit (FastCGI 1.0, 3.3 and 3.4).
 * Ignores  httpd, sockets, and which variables exist (cgi_environment.c decides that).
 * Memory   writes into the caller's buffer, keeps nothing.   Threads: any, no state. */
#include "params.h"

#include <assert.h>
#include <string.h>

#define SHORT_LENGTH_MAX 127   /* longer ones take four bytes, the first with its high bit set */

static size_t length_bytes(size_t length)
{
    return length <= SHORT_LENGTH_MAX ? 1 : 4;
}

/* Anything over FCGI_RECORD_CONTENT_MAX only means "too big": no sum can wrap around. */
static size_t pair_bytes(const fcgi_pair_t *pair)
{
    size_t name = pair->name.bytes, value = pair->value.bytes;
    if (name > FCGI_RECORD_CONTENT_MAX || value > FCGI_RECORD_CONTENT_MAX) {
        return FCGI_RECORD_CONTENT_MAX + 1;
    }
    return length_bytes(name) + length_bytes(value) + name + value;
}

/* Fills one record: from pair `first` on, as many as fit. Returns the index of the first pair that
 * does not, which is `first` itself when that pair fits into no record. */
static size_t fill_record(const fcgi_pair_t *pairs, size_t count, size_t first, size_t *content)
{
    size_t i;
    *content = 0;
    for (i = first; i < count; i++) {
        size_t bytes = pair_bytes(&pairs[i]);
        if (bytes > FCGI_RECORD_CONTENT_MAX - *content) {
            break;
        }
        *content += bytes;
    }
    return i;
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
    out = put_length(out, pair->name.bytes);
    out = put_length(out, pair->value.bytes);
    out = put_text(out, pair->name);
    return put_text(out, pair->value);
}

static unsigned char *put_header(unsigned char *out, uint16_t request_id, size_t content)
{
    fcgi_record_encode(out, FCGI_PARAMS, request_id, (uint16_t)content);
    return out + FCGI_RECORD_HEADER_BYTES;
}

fcgi_result_t fcgi_params_measure(const fcgi_pair_t *pairs, size_t count, size_t *bytes,
                                  size_t *too_big)
{
    size_t sum = FCGI_RECORD_HEADER_BYTES;   /* the empty record at the end */
    for (size_t i = 0, content; i < count; sum += FCGI_RECORD_HEADER_BYTES + content) {
        size_t next = fill_record(pairs, count, i, &content);
        if (next == i) {
            *too_big = i;
            return FCGI_BAD;
        }
        i = next;
    }
    *bytes = sum;
    return FCGI_OK;
}

size_t fcgi_params_encode(const fcgi_pair_t *pairs, size_t count, uint16_t request_id,
                          unsigned char *out)
{
    unsigned char *at = out;
    for (size_t i = 0, content; i < count;) {
        size_t next = fill_record(pairs, count, i, &content);
        assert(next > i);   /* else fcgi_params_measure() was not asked, or not listened to */
        at = put_header(at, request_id, content);
        const unsigned char *end = at + content;
        while (i < next) {
            at = put_pair(at, &pairs[i++]);
        }
        assert(at == end);
        (void)end;
    }
    at = put_header(at, request_id, 0);
    return (size_t)(at - out);
}
