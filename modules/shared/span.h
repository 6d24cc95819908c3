/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* span.h - a pointer and a length: bytes that somebody else owns.
 * Knows    nothing.   Memory   never owns; the bytes live as long as their owner says. */
#ifndef FCGI_SPAN_H
#define FCGI_SPAN_H

#include <stddef.h>

typedef struct {
    const unsigned char *at;
    size_t bytes;
} fcgi_span_t;

static inline fcgi_span_t fcgi_span(const void *at, size_t bytes)
{
    return (fcgi_span_t){ at, bytes };
}

/** The rest of `s` after its first `n` bytes; n must not exceed s.bytes. */
static inline fcgi_span_t fcgi_span_after(fcgi_span_t s, size_t n)
{
    return (fcgi_span_t){ s.at + n, s.bytes - n };
}

#endif
