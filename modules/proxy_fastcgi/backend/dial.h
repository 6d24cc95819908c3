/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* dial.h - on the way to a connection for a request: a kept one, else a new one, in steps that
 *          never wait (but for a name to be looked up, and a TLS handshake).
 * Knows    the right to a connection (max, acquire), when a kept one may be used, TLS.
 * Ignores  who waits, and how; what is sent.
 * Memory   the caller's struct; what is under way until fcgi_dial_hang_up().
 * Threads  see job.h. */
#ifndef FCGI_DIAL_H
#define FCGI_DIAL_H

#include "backend.h"

typedef struct {
    request_rec *r;
    proxy_worker *worker;
    const char *url;          /* fcgi://host[:port]/path: where to, for a worker without an address
                               * of its own */
    int client_fd;            /* who leaves ends it; -1: do not watch */
    apr_time_t deadline;      /* of a TLS handshake, monotonic; 0: none but connectiontimeout */
    bool is_fresh;            /* no kept connection is wanted */
    bool may_be_stale;        /* a kept one need not be looked at, see fcgi_pool_take() */
    fcgi_lease_t lease;       /* what was reached */
    fcgi_wait_t wait;         /* with APR_EINPROGRESS */
    const char *why;          /* on failure one sentence with the address, for the log */

    /* private */
    fcgi_pool_place_t place;
    fcgi_connecting_t connecting;
    const char *shown;        /* the address in words */
} fcgi_dial_t;

/** Begin, when the first seven fields are set and the rest is 0.
 *  returns  APR_SUCCESS      lease.connection is there: a kept one, else a new one
 *           APR_EINPROGRESS  wait for dial->wait, then call fcgi_dial_step()
 *           APR_EAGAIN       no right to a connection, and no thread to wait in; else as
 *                            fcgi_connecting_step(); APR_TIMEUP also when acquire has passed */
apr_status_t fcgi_dial_begin(fcgi_dial_t *dial);
apr_status_t fcgi_dial_step(fcgi_dial_t *dial, unsigned came);

/** Does it wait for a right that other requests hold? */
bool fcgi_dial_waits_for_right(const fcgi_dial_t *dial);

/** Give everything up, wherever it stands; may be called twice. */
void fcgi_dial_hang_up(fcgi_dial_t *dial);

#endif
