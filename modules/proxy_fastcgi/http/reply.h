/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* reply.h - turns the events of a response into headers, buckets and an end.
 * Knows    where a response leads (RFC 3875, 6.2), conditional requests, interim answers,
 *          ProxyErrorOverride, Content-Length as a promise that is kept.
 * Ignores  records, sockets, members; what each field means (head_fields.h).
 * Memory   r->pool; body pieces are borrowed until fcgi_reply_pass() or fcgi_reply_finish().
 * Threads  the request's own. */
#ifndef FCGI_REPLY_H
#define FCGI_REPLY_H

#include <stdbool.h>

#include "slow_client.h"
#include "httpd.h"
#include "proxy_config.h"
#include "span.h"

#define FCGI_HEAD_BYTES_MAX 65536     /* of a response head that comes in pieces */
#define FCGI_HELD_BYTES_MAX 65536     /* of an answer that another member's may replace */

typedef enum {
    FCGI_REPLY_BODY,          /* the body that comes is the client's */
    FCGI_REPLY_OVERRIDE,      /* ProxyErrorOverride: httpd answers with override_status */
    FCGI_REPLY_FILE,          /* X-Sendfile: httpd sends the file `target` */
    FCGI_REPLY_REDIRECT       /* httpd goes on with the local URL `target` */
} fcgi_reply_kind_t;

/* What a head has set, put aside. */
typedef struct {
    apr_table_t *headers_out;         /* NULL: nothing is */
    apr_table_t *err_headers_out;
    const char *content_type;
    const char *status_line;
    int status;
    apr_time_t mtime;
} fcgi_head_aside_t;

typedef struct {
    request_rec *r;
    const fcgi_proxy_config_t *config;
    const char *member;               /* for the log */
    apr_bucket_brigade *out;          /* r->output_filters; what was not passed on yet */
    fcgi_slow_client_t slow_client;        /* what waits for a slow client */
    apr_table_t *err_headers_before;  /* as they were without this reply */
    unsigned char *head_space;
    size_t head_space_bytes;
    fcgi_reply_kind_t kind;
    int status;                       /* of the final head; 0: there was none yet */
    int override_status;
    const char *target;
    bool has_set_fields;              /* of a head, whole or not */
    bool has_head;
    bool drops_body;                  /* HEAD is not among them: httpd drops that body itself */
    bool length_is_open;              /* HEAD, and what GET would have is not known */
    bool flushes_at_once;             /* an event stream, or the application asked for it */
    bool is_held;                     /* another member's answer may replace it: nothing is passed
                                       * on before it is finished, or too big */
    fcgi_head_aside_t aside;          /* of a held answer, while another member is looked for */
    bool was_passed;                  /* something went to the filters */
    bool client_is_gone;
    apr_status_t filter_status;       /* of an output filter that has failed; APR_SUCCESS: none */
    bool filter_has_answered;         /* it has failed by answering itself, with an error page */
    bool head_is_out;                 /* it has left for the client, not for a filter only */
    const char *why;                  /* a sentence about what is wrong with it; NULL: nothing */
    bool head_is_too_big;
    apr_off_t promised_bytes;         /* Content-Length; -1: none */
    apr_off_t body_bytes;             /* of the member's body, dropped or not */
} fcgi_reply_t;

void fcgi_reply_init(fcgi_reply_t *reply, request_rec *r, const fcgi_proxy_config_t *config,
                     const char *member);

/** More room for a head in pieces.
 *  returns  NULL when it is over FCGI_HEAD_BYTES_MAX: head_is_too_big, why */
unsigned char *fcgi_reply_head_space(fcgi_reply_t *reply, fc_span_t so_far, size_t *bytes);

/** A whole head.
 *  is_interim  set for a 1xx answer, which was passed on: another head follows
 *  returns     false when it cannot be used: why */
bool fcgi_reply_head(fcgi_reply_t *reply, fc_span_t head, bool *is_interim);

void fcgi_reply_body(fcgi_reply_t *reply, fc_span_t piece);

/** Pass on what there is, or take it in when the client is behind; flush it if asked. A client that
 *  has left shows in client_is_gone, a filter that has failed in filter_status. */
void fcgi_reply_pass(fcgi_reply_t *reply, bool flush);

/** Another member is looked for: let the request be as before this answer; or nobody was found: let
 *  it be the answer (nothing happens when it was not put aside). */
void fcgi_reply_put_aside(fcgi_reply_t *reply);
void fcgi_reply_take_back(fcgi_reply_t *reply);

/** The client can take more of what was taken in. */
void fcgi_reply_resume(fcgi_reply_t *reply);

/** Has the client all that the head has promised? */
bool fcgi_reply_is_delivered(const fcgi_reply_t *reply);

/** The exchange has ended: is the body shorter than its Content-Length? Sets why. */
bool fcgi_reply_is_short(fcgi_reply_t *reply);

/** The response is whole: pass on the rest and the end. */
void fcgi_reply_finish(fcgi_reply_t *reply);

/** The response is not whole and its head has left: let the client see at once that it is cut, and
 *  no cache keep it. */
void fcgi_reply_cut(fcgi_reply_t *reply);

/** The response cannot be used and nothing of it has left: take back what its head has set. */
void fcgi_reply_forget(fcgi_reply_t *reply);

#endif
