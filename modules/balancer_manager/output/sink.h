/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* sink.h - the body of an answer, gathered so that many small pieces cost little.
 * Knows    how numbers are written.
 * Ignores  formats: text goes out as it is, its quoting is the caller's.
 * Memory   one buffer in r->pool.   Threads: one request, one thread. */
#ifndef MGR_SINK_H
#define MGR_SINK_H

#include <string.h>

#include "httpd.h"

#define MGR_SINK_BYTES 65536

typedef struct {
    request_rec *r;
    apr_size_t used;
    char bytes[MGR_SINK_BYTES];
} mgr_sink_t;

/** An empty sink for the body of `r`, in r->pool. */
mgr_sink_t *mgr_sink_make(request_rec *r);

/** Send what is still here. */
void mgr_sink_end(mgr_sink_t *sink);

/** Room for so many bytes (at most MGR_SINK_BYTES) at the end of what is there; who has written
 *  them, or less, adds to sink->used what it wrote. */
static inline char *mgr_sink_room(mgr_sink_t *sink, apr_size_t count)
{
    if (count > sizeof(sink->bytes) - sink->used) {
        mgr_sink_end(sink);
    }
    return sink->bytes + sink->used;
}

/** More than there is room for. */
void mgr_sink_overflow(mgr_sink_t *sink, const char *bytes, apr_size_t count);

/* Inline, so that short texts whose length the compiler knows are a store or two. */
static inline void mgr_sink_bytes(mgr_sink_t *sink, const char *bytes, apr_size_t count)
{
    if (count > sizeof(sink->bytes) - sink->used) {
        mgr_sink_overflow(sink, bytes, count);
        return;
    }
    memcpy(sink->bytes + sink->used, bytes, count);
    sink->used += count;
}

static inline void mgr_sink_text(mgr_sink_t *sink, const char *text)
{
    mgr_sink_bytes(sink, text, strlen(text));
}

void mgr_sink_count(mgr_sink_t *sink, apr_uint64_t number);
void mgr_sink_number(mgr_sink_t *sink, apr_int64_t number);

/** A number as a decimal fraction without zeros at its end: 2500 thousandths are "2.5".
 *  digits   behind the point that `parts` counts: 3 for thousandths */
void mgr_sink_fraction(mgr_sink_t *sink, apr_int64_t parts, int digits);

#endif
