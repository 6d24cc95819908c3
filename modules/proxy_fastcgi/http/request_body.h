/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* request_body.h - the client's request body on its way to a member.
 * Knows    a first part in memory, the rest in a file (spooled) or as the client sends it
 *          (streamed). All of a file is written, and no write has failed, before it is read.
 * Ignores  FastCGI, members.
 * Memory   r->pool: blocks up to a limit, and with a file one buffer of 256 KB at most; the file
 *          has no name, in the temporary folder.
 * Threads  the request's own. */
#ifndef FCGI_REQUEST_BODY_H
#define FCGI_REQUEST_BODY_H

#include <stdbool.h>

#include "apr_file_io.h"
#include "body_file.h"
#include "httpd.h"
#include "span.h"

#define FCGI_BODY_BLOCK_BYTES 65536

typedef struct fcgi_body_block_t fcgi_body_block_t;
struct fcgi_body_block_t {
    fcgi_body_block_t *next;
    size_t bytes, room;
    unsigned char data[];
};

typedef struct {
    request_rec *r;
    fcgi_body_block_t *first_block, *last_block;    /* the first bytes of the body; kept for
                                                     * another try */
    apr_off_t memory_bytes;     /* in them */
    apr_off_t memory_limit;
    apr_file_t *file;           /* what follows, when it is spooled; NULL: nothing */
    apr_off_t file_bytes;       /* in it */
    size_t buffered_bytes;      /* to be written to it */
    bool client_has_more;       /* what follows comes from the client as it is sent */
    bool is_read;               /* nothing of it is left at the client */
    bool must_wait;             /* fcgi_request_body_spool() is due */
    apr_off_t limit;
    bool length_is_known;       /* before it was read: */
    apr_off_t length;

    /* where the sending stands */
    fcgi_body_block_t *giving;
    bool memory_is_given;
    apr_off_t file_given;
    fcgi_body_file_t source;    /* what was given of the file; has_failed also when it cannot be
                                 * written: it is not the client's fault */
    bool is_copied; /* the owner sets it: what is in the file is to be given in memory */
    bool client_was_read;       /* from here on the body cannot be sent again */
    bool client_piece_is_given;     /* the first bucket of incoming is what next() has given */
    apr_bucket_brigade *incoming;   /* c->bucket_alloc */
    unsigned char *buffer;          /* for writing the file, then for reading it */
    size_t buffer_room;
    apr_status_t error;         /* why next() failed */
} fcgi_request_body_t;

/* How a body is wanted. */
typedef struct {
    bool spools;                /* all of it, before it is sent on */
    bool spools_unknown;        /* one of unknown length in any case: PHP needs CONTENT_LENGTH, and
                                 * reads a body without one as an empty body */
    bool streams_over_limit;    /* one of known length that is over the limit; else it is 413 */
    apr_off_t limit;            /* of what is spooled, bytes */
    apr_off_t memory;           /* of that in memory, before there is a file */
} fcgi_request_body_rules_t;

/** Read what the client has sent so far, as much as goes to memory; do not wait.
 *  returns  OK, with must_wait when the rest is to be spooled; or the status to answer with (413,
 *           400, ..., 500 with source.has_failed; AP_FILTER_ERROR) */
int fcgi_request_body_begin(fcgi_request_body_t *body, request_rec *r,
                            const fcgi_request_body_rules_t *rules);

/** Spool the rest, waiting for the client; afterwards the request has a true Content-Length.
 *  returns  as fcgi_request_body_begin() */
int fcgi_request_body_spool(fcgi_request_body_t *body);

/** The next piece.
 *  may_wait  for the client
 *  piece     valid until the next call; may be empty; without an address, unless is_copied, when it
 *            is the next in `source`
 *  returns   APR_SUCCESS, APR_EAGAIN, or the client's failure, also in body->error; or that of the
 *            file (source.has_failed) */
apr_status_t fcgi_request_body_next(fcgi_request_body_t *body, bool may_wait, fc_span_t *piece,
                                    bool *last);

/** Can the body be sent from its start? */
bool fcgi_request_body_is_replayable(const fcgi_request_body_t *body);

/** Start again; only when it is replayable. */
void fcgi_request_body_rewind(fcgi_request_body_t *body);

/** Nobody reads what is left at the client: httpd must not wait for it before the answer, and
 *  behind that no 100 Continue asks for it. */
void fcgi_request_body_leave(const fcgi_request_body_t *body);

#endif
