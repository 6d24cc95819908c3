/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* request_body.h - the client's request body on its way to a member.
 * Knows    a first part in memory, the rest in a file (spooled) or as the client sends it
 *          (streamed). A body of unknown length is always spooled: PHP needs CONTENT_LENGTH, and
 *          reads a body without one as an empty body.
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
    bool is_read;               /* nothing of it is left at the client */
    bool must_wait;             /* fcgi_request_body_spool() is due */
    apr_off_t limit;

    /* where the sending stands */
    bool memory_is_given;
    apr_off_t file_given;
    bool client_was_read;       /* from here on the body cannot be sent again */
    bool client_piece_is_given;     /* the first bucket of incoming is what next() has given */
    apr_bucket_brigade *incoming;   /* c->bucket_alloc */
    unsigned char *buffer;          /* for reading the file */
    apr_status_t error;         /* why next() failed */
} fcgi_request_body_t;

/** Read what the client has sent so far, up to FCGI_BODY_MEMORY_BYTES; do not wait.
 *  spools   all of it is wanted before it is sent on
 *  limit    of a body that is spooled, bytes; more is 413, or streamed when the length is known
 *  returns  OK, with must_wait when the rest is to be spooled; or the status to answer with (413,
 *           400, ...; AP_FILTER_ERROR) */
int fcgi_request_body_begin(fcgi_request_body_t *body, request_rec *r, bool spools,
                            apr_off_t limit);

/** Spool the rest, waiting for the client; afterwards the request has a true Content-Length.
 *  returns  as fcgi_request_body_begin() */
int fcgi_request_body_spool(fcgi_request_body_t *body);

/** The next piece.
 *  may_wait  for the client
 *  piece     valid until the next call; may be empty
 *  returns   APR_SUCCESS, APR_EAGAIN, or the client's failure, also in body->error */
apr_status_t fcgi_request_body_next(fcgi_request_body_t *body, bool may_wait, fcgi_span_t *piece,
                                    bool *last);

/** Can the body be sent from its start? */
bool fcgi_request_body_is_replayable(const fcgi_request_body_t *body);

/** Start again; only when it is replayable. */
void fcgi_request_body_rewind(fcgi_request_body_t *body);

#endif
