/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* pump.h - moves bytes between one connection and one exchange, until the exchange has ended.
 * Knows    when to write and read, what to wait for; time limits.
 * Ignores  what is in a record, a head or a body; how the waits are made (wait.h, park.h).
 * Memory   borrows the connection, the exchange and the buffer.   Threads: the request's own. */
#ifndef FCGI_PUMP_H
#define FCGI_PUMP_H

#include "body_file.h"
#include "connection.h"
#include "exchange.h"
#include "wait.h"

typedef enum {
    FCGI_CHUNK_READY,     /* here it is */
    FCGI_CHUNK_LATER,     /* the client has not sent it yet */
    FCGI_CHUNK_FAILED     /* stop */
} fcgi_chunk_t;

/* Whom the pump works for. Those that return bool return false to stop it. */
typedef struct {
    /* The next chunk of the request body, valid until the next call; one without an address (at is
     * NULL) is the next in body_file.
     * may_wait   wait for the client rather than answer FCGI_CHUNK_LATER */
    fcgi_chunk_t (*next_chunk)(void *baton, bool may_wait, fc_span_t *chunk, bool *last);
    bool (*on_head)(void *baton, fc_span_t head);
    /* More room for a head that comes in pieces, at least `bytes`; NULL stops the pump. */
    unsigned char *(*head_space)(void *baton, fc_span_t so_far, size_t *bytes);
    bool (*on_body)(void *baton, fc_span_t piece);
    bool (*on_stderr)(void *baton, fc_span_t piece);
    /* What was handed out so far will be overwritten. */
    bool (*on_drained)(void *baton);
    /* The backend pauses: see flush_wait. */
    bool (*on_pause)(void *baton);
    /* The client can take more (see client_is_behind). */
    bool (*on_client_ready)(void *baton);
    /* No byte came within notice_after. */
    bool (*on_slow)(void *baton);
    /* No byte came within `guard`: true gives the connection up (FCGI_LIMIT_GUARD). */
    bool (*on_guard)(void *baton);
    /* The client has closed its side. */
    bool (*on_client_gone)(void *baton);
} fcgi_pump_owner_t;

/* Which time was over. */
typedef enum {
    FCGI_LIMIT_NONE,
    FCGI_LIMIT_FIRST_BYTE,
    FCGI_LIMIT_SILENCE,
    FCGI_LIMIT_TOTAL,
    FCGI_LIMIT_CLIENT,     /* the client sent no more of its body, or too little */
    FCGI_LIMIT_READER,     /* the client took no more of its answer */
    FCGI_LIMIT_NOTICE,     /* no limit: on_slow is due */
    FCGI_LIMIT_PAUSE,      /* no limit: on_pause is due */
    FCGI_LIMIT_LOOK,       /* no limit: has a client without a descriptor room? */
    FCGI_LIMIT_GUARD       /* a kept connection whose peer may be busy with something else */
} fcgi_limit_t;

typedef struct {
    fcgi_connection_t *connection;
    fcgi_exchange_t *exchange;
    const fcgi_pump_owner_t *owner;
    void *baton;
    unsigned char *buffer;            /* for reading */
    size_t buffer_bytes;
    fcgi_body_file_t *body_file;      /* for chunks without an address; NULL: there are none. When
                                       * it fails, the pump stops as if the owner had stopped it */
    int client_fd;                    /* to watch while waiting; -1: do not */
    bool client_may_end;              /* who closes its sending side alone has not gone */
    bool client_is_behind;            /* the owner sets it: watch for room at the client too */
    bool client_is_full;              /* likewise: and read no more until there is room */

    /* time limits, us */
    apr_interval_time_t first_byte;   /* from the request sent to the first byte; 0: timeout */
    apr_interval_time_t timeout;      /* between two bytes of content */
    apr_interval_time_t client_timeout;
    int64_t body_rate;                /* bytes/s that a client has to send while it is waited for;
                                       * 0: any */
    apr_interval_time_t client_grace; /* so far may it fall behind that */
    apr_time_t deadline;              /* of everything, whatever comes; monotonic, 0: none */
    apr_interval_time_t guard;        /* for the first byte, on a kept connection; 0: none */
    apr_interval_time_t notice_after; /* call on_slow once when no first byte came; 0: do not */
    apr_interval_time_t flush_wait;   /* call on_pause after so many us of silence; 0 at once,
                                       * negative never */
    bool is_quick;                    /* the first byte is likely to come in a moment */

    /* results */
    bool stopped_by_owner;
    fcgi_limit_t limit;               /* with APR_TIMEUP */
    uint64_t bytes_sent;
    size_t unread;                    /* bytes read behind END_REQUEST */
    apr_time_t first_byte_at;         /* monotonic; 0: none came */

    fcgi_wait_t wait;                 /* with APR_EAGAIN */

    /* private */
    apr_time_t waiting_since;
    apr_time_t client_asked_at;       /* for the next chunk; 0: it is not waited for */
    apr_interval_time_t client_late;  /* how far it is behind body_rate */
    fcgi_limit_t due;                 /* what the wait's time limit stands for */
    bool has_begun;                   /* the first part of the request was sent */
    bool has_output;                  /* that waits for room */
    bool body_is_late;                /* the client has not sent more of it */
    bool may_pause;                   /* something was handed out since the last pause */
    bool has_read_ahead;              /* with these: */
    apr_status_t ahead_status;
    size_t ahead_bytes;
} fcgi_pump_t;

/** Go on until there is something to wait for, or the exchange has ended.
 *  came     what the wait brought; 0 at the first step
 *  returns  APR_EAGAIN   wait for pump->wait, then call again
 *           APR_SUCCESS  END_REQUEST came
 *           APR_TIMEUP   see limit
 *           APR_EOF      the peer closed the connection
 *           APR_EGENERAL the peer broke the protocol: see exchange->reason
 *           other        the system's error; or anything with stopped_by_owner set */
apr_status_t fcgi_pump_step(fcgi_pump_t *pump, unsigned came);

/** After a step: may this wait begin with fcgi_pump_read_ahead()? It is one for the first byte of a
 *  quick backend, and longer than that takes. */
bool fcgi_pump_may_read_ahead(const fcgi_pump_t *pump);

/** Wait in this thread for a moment in the read itself, which spares a call. The client is not
 *  watched meanwhile.
 *  returns  FCGI_READABLE for the next step; 0: nothing came, and pump->wait is what is left */
unsigned fcgi_pump_read_ahead(fcgi_pump_t *pump);

/** All steps, waiting in this thread. */
apr_status_t fcgi_pump_run(fcgi_pump_t *pump);

#endif
