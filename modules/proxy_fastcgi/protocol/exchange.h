/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* exchange.h - one request and its reply on one connection, as a state machine without I/O.
 * Knows    the order of records, which bytes to send next, what each piece of input means.
 * Ignores  sockets, time, httpd, what a header field means.
 * Memory   allocates nothing: input is borrowed for the time of a call, output spans point into
 *          the caller's buffers and into the struct.   Threads: one at a time.
 *
 * A driver does:   init, then while there is output: out -> write -> sent; body when wants_body;
 *                  read -> feed until FCGI_EVENT_MORE; eof when the peer closed. */
#ifndef FCGI_EXCHANGE_H
#define FCGI_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "record.h"
#include "response_head.h"

/* state, printable name, meaning */
#define FCGI_EXCHANGE_STATES(X)                                                             \
    X(FCGI_READING_HEAD, "reading-head", "no whole response head yet")                      \
    X(FCGI_READING_BODY, "reading-body", "the head is out; STDOUT is body")                 \
    X(FCGI_STDOUT_ENDED, "stdout-ended", "an empty STDOUT record came; END_REQUEST is due") \
    X(FCGI_ENDED,        "ended",        "END_REQUEST came; terminal")                      \
    X(FCGI_BROKEN,       "broken",       "the peer broke the protocol or closed; terminal")

typedef enum {
#define X(state, name, meaning) state,
    FCGI_EXCHANGE_STATES(X)
#undef X
    FCGI_EXCHANGE_STATE_COUNT
} fcgi_exchange_state_t;

/* reason, sentence for the log */
#define FCGI_REASONS(X)                                                                     \
    X(FCGI_REASON_NONE,          "nothing is wrong")                                        \
    X(FCGI_REASON_VERSION,       "a record of a version other than 1")                      \
    X(FCGI_REASON_SHORT_END,     "an END_REQUEST record of less than 8 bytes")              \
    X(FCGI_REASON_AFTER_STDOUT,  "STDOUT content after the end of STDOUT")                  \
    X(FCGI_REASON_EOF,           "the connection was closed before END_REQUEST")            \
    X(FCGI_REASON_VAIN,          "too many records in a row without content")

typedef enum {
#define X(reason, sentence) reason,
    FCGI_REASONS(X)
#undef X
    FCGI_REASON_COUNT
} fcgi_reason_t;

typedef enum {
    FCGI_EVENT_MORE,        /* all input is used up; feed again when there is more */
    FCGI_EVENT_HEAD,        /* data: the whole head, the empty line too; until the next call */
    FCGI_EVENT_HEAD_SPACE,  /* the head is split over records or reads and the space for it is too
                             * small: give more with fcgi_exchange_head_space() and feed the same
                             * rest again, or give up; data: the head so far */
    FCGI_EVENT_BODY,        /* data: a piece of the body, inside the bytes that were fed */
    FCGI_EVENT_STDERR,      /* data: a piece of the error text, inside the bytes that were fed */
    FCGI_EVENT_END,         /* END_REQUEST: see protocol_status, app_status, head_is_complete */
    FCGI_EVENT_BAD          /* see reason; nothing more will come */
} fcgi_event_kind_t;

typedef struct {
    fcgi_event_kind_t kind;
    fc_span_t data;
} fcgi_event_t;

#define FCGI_END_BODY_BYTES 8

/* So many records may follow each other without a byte of STDOUT, STDERR or END_REQUEST of this
 * request: a peer that sends such for ever is never silent, and never done. */
#define FCGI_VAIN_RECORDS_MAX 1000

/* private: how far sending has come; out() walks a copy of it, sent() the original */
typedef struct {
    fc_span_t request;          /* the rest of BEGIN_REQUEST and PARAMS */
    fc_span_t chunk;            /* the rest of the current body chunk */
    uint16_t record_left;         /* content to come in the STDIN record whose header has gone */
    uint8_t header_sent;          /* bytes of that record's header that have gone */
    uint8_t end_sent;             /* bytes of the empty STDIN record that have gone */
} fcgi_outgoing_t;

typedef struct {
    /* read these, write none */
    fcgi_exchange_state_t state;
    fcgi_reason_t reason;
    uint8_t protocol_status;      /* fcgi_protocol_status_t; valid in FCGI_ENDED */
    uint32_t app_status;          /* valid in FCGI_ENDED */
    bool head_is_complete;
    bool stream_is_doubtful;      /* a record with a foreign id or type was skipped: do not reuse */
    uint64_t bytes_received;      /* all of them, headers and padding too */
    uint64_t content_bytes;       /* of them what is content of this request's records */
    uint64_t body_bytes;          /* body handed out so far */

    /* private */
    uint16_t request_id;
    bool output_is_dropped, last_chunk_was_given, bad_was_told;
    fcgi_outgoing_t outgoing;
    unsigned char full_header[FCGI_RECORD_HEADER_BYTES];   /* of every STDIN record of full size */
    unsigned char rest_header[FCGI_RECORD_HEADER_BYTES];   /* of the smaller one behind them */
    unsigned char end_header[FCGI_RECORD_HEADER_BYTES];    /* the empty STDIN record */

    unsigned char header[FCGI_RECORD_HEADER_BYTES];   /* of the record that is coming in */
    uint8_t header_bytes;         /* of it that are here; 0 while content or padding comes in */
    fcgi_record_t record;         /* the record whose content is coming in */
    bool record_is_skipped;
    unsigned vain_records;        /* in a row, up to now */
    uint16_t content_left;
    uint8_t padding_left;
    unsigned char end_body[FCGI_END_BODY_BYTES];
    uint8_t end_body_bytes;
    fcgi_head_scan_t scan;
    unsigned char *head;          /* the caller's space; NULL until he gave some */
    size_t head_bytes, head_space;
} fcgi_exchange_t;

/** Start an exchange.
 *  request  the BEGIN_REQUEST record and all PARAMS records, laid out in one piece; borrowed until
 *           all of it was sent */
void fcgi_exchange_init(fcgi_exchange_t *x, uint16_t request_id, fc_span_t request);

/** May the next chunk of the request body be given? (The one before is all in the output, and the
 *  last was not given yet.) */
bool fcgi_exchange_wants_body(const fcgi_exchange_t *x);

/** Give the next chunk of the request body, of any length, also empty.
 *  chunk    borrowed until it was sent
 *  last     no other chunk follows: the empty STDIN record goes out behind it */
void fcgi_exchange_body(fcgi_exchange_t *x, fc_span_t chunk, bool last);

/** What to write next, in order, for one writev().
 *  max      at least 4
 *  returns  number of spans, 0 when there is nothing to write now */
size_t fcgi_exchange_out(fcgi_exchange_t *x, fc_span_t *out, size_t max);

/** So many bytes of the last fcgi_exchange_out() were written. */
void fcgi_exchange_sent(fcgi_exchange_t *x, size_t bytes);

/** Stop sending (the peer takes no more); the reply can still be read. */
void fcgi_exchange_drop_output(fcgi_exchange_t *x);

/** Was everything sent, the end of the body too? */
bool fcgi_exchange_is_sent(const fcgi_exchange_t *x);

/** Space for a head that does not lie in one piece; what was collected so far is copied over.
 *  space    at least as large as the space before; the caller's until the head event */
void fcgi_exchange_head_space(fcgi_exchange_t *x, unsigned char *space, size_t bytes);

/** Take the next event out of `in`.
 *  in       advanced past what was used; feed the rest again until FCGI_EVENT_MORE
 *  After FCGI_EVENT_END and FCGI_EVENT_BAD nothing is used up any more. */
fcgi_event_t fcgi_exchange_feed(fcgi_exchange_t *x, fc_span_t *in);

/** What has come of a head that is not whole and does not lie in one piece; may be empty. */
fc_span_t fcgi_exchange_head_so_far(const fcgi_exchange_t *x);

/** The head event was an interim answer (1xx): expect another head. */
void fcgi_exchange_expect_another_head(fcgi_exchange_t *x);

/** The peer closed the connection: FCGI_BROKEN unless END_REQUEST had come. */
void fcgi_exchange_eof(fcgi_exchange_t *x);

/** After the end: may the connection carry another request? (All was sent, nothing doubtful was
 *  read, the padding of END_REQUEST is used up.)
 *  unread   bytes that the driver has read behind END_REQUEST */
bool fcgi_exchange_connection_is_clean(const fcgi_exchange_t *x, size_t unread);

const char *fcgi_exchange_state_name(fcgi_exchange_state_t state);
const char *fcgi_exchange_reason_text(fcgi_reason_t reason);

#endif
