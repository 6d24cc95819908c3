/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* span.h - a pointer and a length: bytes that somebody else owns.
 * Knows    nothing.   Memory   never owns; the bytes live as long as their owner says. */
#ifndef FC_SPAN_H
#define FC_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

typedef struct {
    const unsigned char *at;
    size_t bytes;
} fc_span_t;

static inline fc_span_t fc_span(const void *at, size_t bytes)
{
    return (fc_span_t){ at, bytes };
}

/** A text without its end. */
static inline fc_span_t fc_span_of(const char *text)
{
    return fc_span(text, strlen(text));
}

/** The rest of `s` after its first `n` bytes; n must not exceed s.bytes. */
static inline fc_span_t fc_span_after(fc_span_t s, size_t n)
{
    return (fc_span_t){ s.at + n, s.bytes - n };
}

/** Are they the same in whatever case? For ASCII. */
static inline bool fc_span_is(fc_span_t a, fc_span_t b)
{
    return a.bytes == b.bytes
           && strncasecmp((const char *)a.at, (const char *)b.at, a.bytes) == 0;
}

static inline bool fc_span_is_text(fc_span_t s, const char *text)
{
    return fc_span_is(s, fc_span_of(text));
}

static inline bool fc_span_is_blank(unsigned char c)
{
    return c == ' ' || c == '\t';
}

/** Without the blanks at both ends.
 *  source   OWS, RFC 9110, 5.6.3 */
static inline fc_span_t fc_span_trim(fc_span_t s)
{
    while (s.bytes > 0 && fc_span_is_blank(s.at[0])) {
        s = fc_span_after(s, 1);
    }
    while (s.bytes > 0 && fc_span_is_blank(s.at[s.bytes - 1])) {
        s.bytes--;
    }
    return s;
}

/** Take what stands before the next separator, which is skipped; all when there is none.
 *  returns  it, trimmed */
static inline fc_span_t fc_span_take(fc_span_t *rest, char separator)
{
    const unsigned char *end = rest->bytes > 0 ? memchr(rest->at, separator, rest->bytes) : NULL;
    const size_t bytes = end ? (size_t)(end - rest->at) : rest->bytes;
    const fc_span_t piece = fc_span(rest->at, bytes);

    *rest = fc_span_after(*rest, end ? bytes + 1 : bytes);
    return fc_span_trim(piece);
}

#endif
