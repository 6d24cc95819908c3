/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* absorb.h - takes in what a client cannot read fast enough, so that the backend is soon free.
 * Knows    whether httpd's output filters still hold something for the client; memory, then a
 *          nameless file.
 * Ignores  where the data come from.
 * Memory   at most FCGI_ABSORB_MEMORY_BYTES, in buckets of the connection; the file in r->pool.
 * Threads  the request's own.
 *
 * Invariant: the order is kept: what waits in memory comes before what waits in the file. */
#ifndef FCGI_ABSORB_H
#define FCGI_ABSORB_H

#include <stdbool.h>

#include "apr_file_io.h"
#include "httpd.h"

#define FCGI_ABSORB_MEMORY_BYTES (1024 * 1024)

typedef struct {
    request_rec *r;
    apr_off_t limit;               /* bytes that may wait; 0: nothing is taken in */
    apr_bucket_brigade *memory;    /* NULL until needed */
    apr_off_t memory_bytes;
    apr_file_t *file;              /* NULL until needed */
    apr_off_t file_start;          /* what lies before it was passed on */
    apr_off_t file_end;
    bool is_full;                  /* the limit is reached: from now on the client is waited for */
} fcgi_absorb_t;

void fcgi_absorb_init(fcgi_absorb_t *absorb, request_rec *r, apr_off_t limit);

/** Does something wait, here or in the output filters? */
bool fcgi_absorb_is_behind(const fcgi_absorb_t *absorb);

/** Pass data on, or take it in when the client is behind. `bb` is empty afterwards.
 *  returns  the filters' status */
apr_status_t fcgi_absorb_pass(fcgi_absorb_t *absorb, apr_bucket_brigade *bb);

/** The client can take more: pass on what waits, as far as it goes without waiting. */
apr_status_t fcgi_absorb_resume(fcgi_absorb_t *absorb);

/** Put all that waits in front of `bb`, which ends the response. */
void fcgi_absorb_give_rest(fcgi_absorb_t *absorb, apr_bucket_brigade *bb);

#endif
