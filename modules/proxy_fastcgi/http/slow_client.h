/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* slow_client.h - takes in what a client cannot read fast enough: the backend is soon free, and
 *            nobody waits for a client in a write.
 * Knows    when httpd takes data without waiting; memory, then a nameless file.
 * Ignores  where the data come from.
 * Memory   at most FCGI_SLOW_CLIENT_MEMORY_BYTES, in buckets of the connection, and what the
 *          filters make of one read; the file in r->pool.
 * Threads  the request's own.
 *
 * How: a filter of ours is the last one before httpd's own that writes. So whatever the filters in
 * between do (pack, unpack, encrypt, flush), what comes out is either written at once or kept.
 *
 * Invariant: the order is kept: what waits in memory comes before what waits in the file, and that
 * before what waits behind it. */
#ifndef FCGI_SLOW_CLIENT_H
#define FCGI_SLOW_CLIENT_H

#include <stdbool.h>

#include "apr_file_io.h"
#include "httpd.h"
#include "stream_credit.h"
#include "util_filter.h"

#define FCGI_SLOW_CLIENT_MEMORY_BYTES (1024 * 1024)

typedef struct {
    request_rec *r;
    ap_filter_t *filter;           /* where it all arrives; its context is us, until the end */
    apr_off_t limit;               /* bytes that may wait */
    apr_bucket_brigade *memory;    /* c->bucket_alloc; NULL, like the next two, until needed */
    apr_bucket_brigade *piece;     /* empty between two calls */
    apr_bucket_brigade *behind;    /* what neither memory nor file had room for */
    apr_off_t memory_bytes, behind_bytes;
    apr_file_t *file;              /* NULL until needed */
    apr_off_t file_start;          /* what lies before it was passed on */
    apr_off_t file_end;
    bool file_has_failed;          /* it is not written to any more */
    apr_status_t error;            /* the file cannot be read: what waits is lost */
    bool has_seen_data;            /* something for the client has come by; may be cleared */
    fcgi_stream_credit_t *credit;  /* of an HTTP/2 stream; NULL: HTTP/1 */
} fcgi_slow_client_t;

/** Take part in what goes to the client of `r`, until fcgi_slow_client_end() or its pool's end. */
void fcgi_slow_client_begin(fcgi_slow_client_t *slow, request_rec *r, apr_off_t limit);

/** Does something wait, here or in httpd's own filter? */
bool fcgi_slow_client_is_behind(const fcgi_slow_client_t *slow);

/** Does so much wait that no more should come until some of it is written? */
bool fcgi_slow_client_is_full(const fcgi_slow_client_t *slow);

/** Pass data on, or take it in when the client is behind. `bb` is empty afterwards.
 *  returns  the filters' status */
apr_status_t fcgi_slow_client_pass(fcgi_slow_client_t *slow, apr_bucket_brigade *bb);

/** The client can take more: write what waits, as far as it goes without waiting.
 *  returns  the filters' status; slow->error is set when it is the file's */
apr_status_t fcgi_slow_client_resume(fcgi_slow_client_t *slow);

/** The backend is free: take no part any more. May be called twice.
 *  is_lost  what waits is forgotten; else it is passed on, and that may wait for the client */
void fcgi_slow_client_end(fcgi_slow_client_t *slow, bool is_lost);

/** The filter. */
void fcgi_slow_client_register(void);

#endif
