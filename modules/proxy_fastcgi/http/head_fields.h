/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* head_fields.h - sets the fields of a response head as headers of the request.
 * Knows    what each of them means (RFC 3875, 6.3), and which ones are for httpd.
 * Ignores  what follows from them (reply.c), how a head is taken apart (protocol/response_head.h).
 * Memory   r->pool.   Threads: the request's own. */
#ifndef FCGI_HEAD_FIELDS_H
#define FCGI_HEAD_FIELDS_H

#include <stdbool.h>

#include "httpd.h"
#include "proxy_config.h"
#include "span.h"

/* What a head says beyond the headers that it sets. */
typedef struct {
    bool has_status;
    bool flushes_at_once;        /* X-Accel-Buffering: no */
    const char *location;        /* NULL: none */
    const char *sendfile;        /* X-Sendfile that is obeyed */
    const char *accel_redirect;  /* X-Accel-Redirect that is obeyed */
    apr_off_t promised_bytes;    /* Content-Length; -1: none */
    const char *why;             /* a sentence about what is wrong with it; NULL: nothing */
} fcgi_head_fields_t;

/** Set them.
 *  member   for the log
 *  whole    the head, with the empty line at its end
 *  returns  `why` is set when the head cannot be used; some headers may be set then */
fcgi_head_fields_t fcgi_head_fields_set(request_rec *r, const fcgi_proxy_config_t *config,
                                        const char *member, fc_span_t whole);

/** A sentence for `why`.
 *  what   shown with it, its beginning at least */
const char *fcgi_head_fields_refusal(apr_pool_t *p, const char *why, fc_span_t what);

#endif
