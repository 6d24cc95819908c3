/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* connecting.h - from an address to an open connection, in steps that never wait.
 * Knows    TCP, IPv6 and unix sockets; several addresses; a full backlog; a backend that is away
 *          for a moment.
 * Ignores  how the waits between the steps are made (wait.h, park.h), TLS.
 * Memory   the caller's struct; the descriptor under way until fcgi_connecting_stop().
 * Threads  one at a time. */
#ifndef FCGI_CONNECTING_H
#define FCGI_CONNECTING_H

#include <stdbool.h>
#include <sys/socket.h>

#include "connection.h"
#include "wait.h"

#define FCGI_ADDRESSES_MAX 8

typedef struct {
    struct sockaddr_storage at;
    socklen_t bytes;
} fcgi_address_t;

/* Where to connect to, and how. */
typedef struct {
    const fcgi_address_t *address;    /* the caller's; at most FCGI_ADDRESSES_MAX, tried in order */
    int address_count;
    const struct sockaddr *source;    /* bind to it before connecting; NULL: do not */
    socklen_t source_bytes;
    int receive_buffer_bytes;         /* 0: the system's */
    bool tcp_keepalive;
    apr_interval_time_t connect_timeout;   /* for all addresses together */
    apr_interval_time_t patience;     /* so long it is tried again while nobody listens; 0: not */
    int watched_fd;                   /* a client, or whoever may lose interest; -1: nobody */
} fcgi_endpoint_t;

typedef struct {
    fcgi_endpoint_t to;
    int next;                         /* index of the address that is tried */
    int fd;                           /* of it; -1: none yet */
    bool is_in_progress;              /* connect() goes on in the kernel; else it was put off */
    apr_interval_time_t pause;        /* before the next look at a full backlog */
    apr_time_t deadline;              /* monotonic us: for this round of addresses */
    apr_time_t patient_until;
    fcgi_wait_t wait;                 /* what the next step waits for */
} fcgi_connecting_t;

/** Begin; the first step is due at once. */
void fcgi_connecting_begin(fcgi_connecting_t *connecting, const fcgi_endpoint_t *to);

/** Go on.
 *  came     what the wait brought; 0 at the first step
 *  returns  APR_SUCCESS      *connection is open
 *           APR_EINPROGRESS  wait for connecting->wait, then call again
 *           APR_TIMEUP, APR_EAGAIN (the backlog was full all the time), APR_EINTR (whoever was
 *           watched has gone), or the system's error of the last address */
apr_status_t fcgi_connecting_step(fcgi_connecting_t *connecting, unsigned came,
                                  fcgi_connection_t **connection);

/** Give up what is under way; may be called twice. */
void fcgi_connecting_stop(fcgi_connecting_t *connecting);

/** All steps, waiting in this thread. */
apr_status_t fcgi_connecting_run(fcgi_connection_t **connection, const fcgi_endpoint_t *to);

#endif
