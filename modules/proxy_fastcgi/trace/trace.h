/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* trace.h - the trace of one request: its ids, what the application is told of them, its spans.
 * Knows    which span a request and each of its tries has (OpenTelemetry's semantic conventions for
 *          HTTP), when they are written.
 * Ignores  how a try goes (tracing.h of job/ tells), how spans are laid out.
 * Memory   the pool of the client's request; internal redirects and subrequests share its trace.
 * Threads  the request's own, one at a time. */
#ifndef FCGI_TRACE_H
#define FCGI_TRACE_H

#include "trace_rules.h"

typedef struct fcgi_trace_t fcgi_trace_t;

/* One try: a CLIENT span. Times are monotonic us; 0: it did not come to that. */
typedef struct {
    char span_id[2 * FCGI_SPAN_ID_BYTES + 1];
    const char *url;
    const char *host;       /* name or address, or the path of a unix socket */
    int port;               /* 0: it is a unix socket */
    int status;             /* of the response; 0: none came */
    const char *failure;    /* the outcome's word; NULL: it was served */
    apr_time_t began, connected, first_byte_at, ended;
} fcgi_trace_try_t;

/** The trace of this request, which begins here unless there is one: notes trace-id and span-id.
 *  Its SERVER span ends with the request, and all spans are written then, if it came to our handler
 *  or was refused before. */
fcgi_trace_t *fcgi_trace_begin(request_rec *r, const fcgi_trace_rules_t *rules);

/** The trace that has begun, of a request that comes to our handler; NULL: none. */
fcgi_trace_t *fcgi_trace_take(request_rec *r);

/** Its id in hexadecimal. */
const char *fcgi_trace_id(const fcgi_trace_t *trace);

/** The same, if it is sampled; else NULL. */
const char *fcgi_trace_sampled_id(const fcgi_trace_t *trace);

/** A try begins: its span is the parent of what the application does.
 *  returns  to be filled in as the try goes on; NULL: no spans are written of this request */
fcgi_trace_try_t *fcgi_trace_begin_try(fcgi_trace_t *trace);

/** Where it goes.
 *  url, host   copied: they may be gone when spans are written */
void fcgi_trace_set_target(const fcgi_trace_t *trace, fcgi_trace_try_t *attempt, const char *url,
                           const char *host, int port);

/** The request waits for its turn from now on, or no longer. */
void fcgi_trace_note_queued(fcgi_trace_t *trace);
void fcgi_trace_note_granted(fcgi_trace_t *trace);

/** Put what the application is told of the try into its environment, in the place of what the
 *  client has sent. */
void fcgi_trace_set_variables(fcgi_trace_t *trace, apr_table_t *environment);

#endif
