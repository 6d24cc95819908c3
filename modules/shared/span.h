/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* span.h - a pointer and a length: bytes that somebody else owns.
 * Knows    nothing.   Memory   never owns; the bytes live as long as their owner says. */
#ifndef FC_SPAN_H
#define FC_SPAN_H

#include <stddef.h>

typedef struct {
    const unsigned char *at;
    size_t bytes;
} fc_span_t;

static inline fc_span_t fc_span(const void *at, size_t bytes)
{
    return (fc_span_t){ at, bytes };
}

/** The rest of `s` after its first `n` bytes; n must not exceed s.bytes. */
static inline fc_span_t fc_span_after(fc_span_t s, size_t n)
{
    return (fc_span_t){ s.at + n, s.bytes - n };
}

#endif
