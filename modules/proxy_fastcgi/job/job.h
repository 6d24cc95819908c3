/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* job.h - one request on its way through the handler.
 * Memory   r->pool, so that it outlives the thread's call; what a try holds (a connection, a place
 *          among those who wait) is given back by fcgi_try_abandon() at the latest.
 * Threads  one at a time: the request's own, or the one that takes a parked request up. */
#ifndef FCGI_JOB_H
#define FCGI_JOB_H

#include "dial.h"
#include "error_text.h"
#include "mod_balancer_byrequests.h"
#include "pump.h"
#include "reply.h"
#include "request_body.h"
#include "script_path.h"
#include "trace.h"

typedef enum {
    FCGI_JOB_QUEUED,       /* waits for a right on a member */
    FCGI_JOB_READY,        /* has it: a try begins */
    FCGI_JOB_CONNECTING,   /* waits for a connection, or for the right to one */
    FCGI_JOB_EXCHANGING    /* request and answer are under way */
} fcgi_job_state_t;

typedef struct {
    request_rec *r;
    proxy_server_conf *conf;
    const fcgi_proxy_config_t *config;
    lb_ticket_t *ticket;            /* NULL: a plain worker */
    fcgi_trace_t *trace;            /* NULL: it is not traced */
    proxy_worker *worker;
    char *url;
    fcgi_script_path_t script;
    const char *member;             /* the worker's name, for logs and notes */
    fcgi_request_body_t body;
    fcgi_job_state_t state;
    fcgi_wait_t wait;               /* what it waits for */
    bool is_queued;                 /* it has been told to wait for its turn */
    int status;                     /* for httpd, at the end */
    apr_time_t deadline;            /* of all tries, monotonic us; 0: none */
    int tries;
    int runs;                       /* tries that may have run on a member, and failed */
    bool wants_fresh;               /* the next try takes no kept connection */
    bool was_parked;                /* mod_proxy has done its part already */

    /* of the current try */
    lb_outcome_t outcome;           /* when it is over */
    int refusal;                    /* an HTTP status when the request cannot be sent to anybody */
    apr_time_t started;             /* monotonic us */
    apr_time_t connected;
    fcgi_dial_t dial;               /* with the connection */
    bool connection_was_kept;
    bool connection_is_unproven;    /* nobody looked at the kept connection before */
    bool is_waiting;                /* counted in the pool, see events.h */
    bool is_abandoned;              /* its client has gone, and its script is at work */
    fcgi_exchange_t exchange;
    fcgi_pump_t pump;
    fcgi_reply_t reply;
    fcgi_error_text_t error_text;
    int interims;                   /* interim answers, and the bytes of their heads */
    size_t interim_bytes;
    unsigned char *buffer;          /* what is read into; NULL while the request is parked */
    size_t buffer_bytes;
    const char *why;                /* a sentence about the failure */
    fcgi_trace_try_t *traced;       /* NULL: no span is written of it */
} fcgi_job_t;

#endif
