/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* pump.h - moves bytes between one connection and one exchange, until the exchange has ended.
 * Knows    when to write, read and wait, time limits; a blocking driver: it holds the thread.
 * Ignores  what is in a record, a head or a body.
 * Memory   borrows the connection, the exchange and the buffer.   Threads: the request's own. */
#ifndef FCGI_PUMP_H
#define FCGI_PUMP_H

#include "connection.h"
#include "exchange.h"

/* Whom the pump works for. Each returns false to stop the pump. */
typedef struct {
    /* The next chunk of the request body, waiting for the client if need be; valid until the
     * next call. */
    bool (*next_chunk)(void *baton, fcgi_span_t *chunk, bool *last);
    bool (*on_head)(void *baton, fcgi_span_t head);
    /* More room for a head that comes in pieces, at least `bytes`; NULL stops the pump. */
    unsigned char *(*head_space)(void *baton, fcgi_span_t so_far, size_t *bytes);
    bool (*on_body)(void *baton, fcgi_span_t piece);
    bool (*on_stderr)(void *baton, fcgi_span_t piece);
    /* What was handed out so far will be overwritten. */
    bool (*on_drained)(void *baton);
    /* The backend pauses: see flush_wait. */
    bool (*on_pause)(void *baton);
} fcgi_pump_owner_t;

typedef struct {
    fcgi_connection_t *connection;
    fcgi_exchange_t *exchange;
    const fcgi_pump_owner_t *owner;
    void *baton;
    unsigned char *buffer;            /* for reading */
    size_t buffer_bytes;
    apr_interval_time_t timeout;      /* of each wait */
    apr_interval_time_t flush_wait;   /* call on_pause after so many us of silence; 0 at once,
                                       * negative never */
    /* results */
    bool stopped_by_owner;
    uint64_t bytes_sent;
    size_t unread;                    /* bytes read behind END_REQUEST */
} fcgi_pump_t;

/** Run the exchange to its end.
 *  returns  APR_SUCCESS  END_REQUEST came
 *           APR_TIMEUP   nothing moved for `timeout`
 *           APR_EOF      the peer closed the connection
 *           APR_EGENERAL the peer broke the protocol: see exchange->reason
 *           other        the system's error; or anything with stopped_by_owner set */
apr_status_t fcgi_pump_run(fcgi_pump_t *pump);

#endif
