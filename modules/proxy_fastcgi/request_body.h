/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* request_body.h - the client's request body on its way to a member.
 * Knows    a first part in memory, the rest streamed from the client when its length is known, or
 *          spooled to a file when not: PHP needs CONTENT_LENGTH, and an unknown length reads as
 *          an empty body there.
 * Ignores  FastCGI, members.
 * Memory   r->pool: at most FCGI_BODY_MEMORY_BYTES and one buffer of that size; a nameless file in
 *          the temporary folder.
 * Threads  the request's own. */
#ifndef FCGI_REQUEST_BODY_H
#define FCGI_REQUEST_BODY_H

#include <stdbool.h>

#include "apr_file_io.h"
#include "httpd.h"
#include "span.h"

#define FCGI_BODY_MEMORY_BYTES 65536

typedef struct {
    request_rec *r;
    unsigned char *memory;      /* the first bytes of the body; kept for another try */
    size_t memory_bytes;
    apr_file_t *file;           /* what follows, when it is spooled; NULL: nothing */
    apr_off_t file_bytes;
    bool client_has_more;       /* what follows comes from the client as it is sent */

    /* where the sending stands */
    bool memory_is_given;
    apr_off_t file_given;
    bool client_was_read;       /* from here on the body cannot be sent again */
    bool all_is_given;
    apr_bucket_brigade *incoming;   /* c->bucket_alloc; its first bucket is what next() has given */
    unsigned char *buffer;      /* for the file */
    apr_status_t error;         /* why next() failed */
} fcgi_request_body_t;

/** Read what there is, and all of it when its length is not known; afterwards the request has a
 *  true Content-Length, or no body.
 *  spool_limit   bytes; more is 413
 *  returns  OK, or the status to answer with (413, 408, 400, ...; AP_FILTER_ERROR) */
int fcgi_request_body_prepare(fcgi_request_body_t *body, request_rec *r, apr_off_t spool_limit);

/** The next piece, waiting for the client if need be.
 *  piece    valid until the next call; may be empty
 *  returns  APR_SUCCESS; else the client's failure, also in body->error */
apr_status_t fcgi_request_body_next(fcgi_request_body_t *body, fcgi_span_t *piece, bool *last);

/** Can the body be sent from its start? */
bool fcgi_request_body_is_replayable(const fcgi_request_body_t *body);

/** Start again; only when it is replayable. */
void fcgi_request_body_rewind(fcgi_request_body_t *body);

#endif
