/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* request_body.h - the client's request body on its way to a member.
 * Knows    a first part in memory, the rest in a file (spooled) or as the client sends it
 *          (streamed). All of a file is written, and no write has failed, before it is read.
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
    apr_off_t file_bytes;       /* in it */
    size_t buffered_bytes;      /* to be written to it */
    bool client_has_more;       /* what follows comes from the client as it is sent */
    bool is_read;               /* nothing of it is left at the client */
    bool must_wait;             /* fcgi_request_body_spool() is due */
    apr_off_t limit;
    bool length_is_known;       /* before it was read */

    /* where the sending stands */
    bool memory_is_given;
    apr_off_t file_given;
    bool client_was_read;       /* from here on the body cannot be sent again */
    bool client_piece_is_given;     /* the first bucket of incoming is what next() has given */
    apr_bucket_brigade *incoming;   /* c->bucket_alloc */
    unsigned char *buffer;          /* for writing the file, then for reading it */
    apr_status_t error;         /* why next() failed */
    bool file_has_failed;       /* and it is not the client's fault */
} fcgi_request_body_t;

/* How a body is wanted. */
typedef struct {
    bool spools;                /* all of it, before it is sent on */
    bool spools_unknown;        /* one of unknown length in any case: PHP needs CONTENT_LENGTH, and
                                 * reads a body without one as an empty body */
    bool streams_over_limit;    /* one of known length that is over the limit; else it is 413 */
    apr_off_t limit;            /* of what is spooled, bytes */
} fcgi_request_body_rules_t;

/** Read what the client has sent so far, up to FCGI_BODY_MEMORY_BYTES; do not wait.
 *  returns  OK, with must_wait when the rest is to be spooled; or the status to answer with (413,
 *           400, ..., 500 with file_has_failed; AP_FILTER_ERROR) */
int fcgi_request_body_begin(fcgi_request_body_t *body, request_rec *r,
                            const fcgi_request_body_rules_t *rules);

/** Spool the rest, waiting for the client; afterwards the request has a true Content-Length.
 *  returns  as fcgi_request_body_begin() */
int fcgi_request_body_spool(fcgi_request_body_t *body);

/** The next piece.
 *  may_wait  for the client
 *  piece     valid until the next call; may be empty
 *  returns   APR_SUCCESS, APR_EAGAIN, or the client's failure, also in body->error; or that of the
 *            file (file_has_failed) */
apr_status_t fcgi_request_body_next(fcgi_request_body_t *body, bool may_wait, fc_span_t *piece,
                                    bool *last);

/** Can the body be sent from its start? */
bool fcgi_request_body_is_replayable(const fcgi_request_body_t *body);

/** Start again; only when it is replayable. */
void fcgi_request_body_rewind(fcgi_request_body_t *body);

#endif
