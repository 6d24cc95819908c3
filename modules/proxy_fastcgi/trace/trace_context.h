/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* trace_context.h - reads and writes the headers of W3C Trace Context, level 1.
 * Knows    traceparent and tracestate, and which of them are to be ignored.
 * Ignores  httpd; who is trusted, which requests are sampled (trace_rules.h).
 * Memory   the caller's.   Threads: any, no state.
 * Source   https://www.w3.org/TR/trace-context-1/ */
#ifndef FCGI_TRACE_CONTEXT_H
#define FCGI_TRACE_CONTEXT_H

#include <stdbool.h>

#include "span.h"

#define FCGI_TRACE_ID_BYTES    16
#define FCGI_SPAN_ID_BYTES     8
#define FCGI_TRACEPARENT_BYTES 55
#define FCGI_TRACESTATE_MAX    512    /* so much has to be passed on, and more is not */

typedef struct {
    unsigned char trace_id[FCGI_TRACE_ID_BYTES];
    unsigned char span_id[FCGI_SPAN_ID_BYTES];    /* of whoever sends the header */
    bool is_sampled;
} fcgi_trace_context_t;

/** Read a traceparent. Several of them, which httpd joins by commas, are none.
 *  context   written only when it is one
 *  returns   is it one? A later version is read as far as version 00 goes */
bool fcgi_trace_context_read(fcgi_trace_context_t *context, fc_span_t header);

/** Write a traceparent, of version 00, with a NUL behind it.
 *  trace_id, span_id   in hexadecimal */
void fcgi_trace_context_write(const char trace_id[2 * FCGI_TRACE_ID_BYTES],
                              const char span_id[2 * FCGI_SPAN_ID_BYTES], bool is_sampled,
                              char out[FCGI_TRACEPARENT_BYTES + 1]);

/** Write a tracestate as it is passed on: its members in their order, without blanks and empty
 *  ones, with a NUL behind it. Of one that is too long, members over 128 bytes are left out first,
 *  then those at the end.
 *  header    all headers of this name, joined by commas
 *  returns   its bytes; 0: there is none, or it is malformed */
size_t fcgi_trace_context_write_state(fc_span_t header, char out[FCGI_TRACESTATE_MAX + 1]);

/** Write bytes as lower-case hexadecimal digits, with a NUL behind them. */
void fcgi_trace_context_hex(char *out, const unsigned char *bytes, size_t count);

#endif
