/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* connection.h - one socket to a backend: open, write, read, wait, close.
 * Knows    TCP, IPv6 and unix sockets, non-blocking connect with a time limit.
 * Ignores  FastCGI, which backend, who waits.
 * Memory   a connection owns its descriptor and itself; who has the pointer closes it or keeps it.
 * Threads  one at a time. */
#ifndef FCGI_CONNECTION_H
#define FCGI_CONNECTION_H

#include <stdbool.h>
#include <sys/socket.h>

#include "apr_time.h"
#include "span.h"

#define FCGI_ADDRESSES_MAX 8

/* Where to connect to, and how. */
typedef struct {
    int address_count;                /* tried in this order */
    struct {
        struct sockaddr_storage at;
        socklen_t bytes;
    } address[FCGI_ADDRESSES_MAX];
    const struct sockaddr *source;    /* bind to it before connecting; NULL: do not */
    socklen_t source_bytes;
    int receive_buffer_bytes;         /* 0: the system's */
    bool tcp_keepalive;
    apr_interval_time_t connect_timeout;
    int stop_fd;                      /* when it hangs up, nobody wants the connection; 0: none */
} fcgi_endpoint_t;

typedef struct fcgi_connection_t fcgi_connection_t;
struct fcgi_connection_t {
    int fd;
    struct fcgi_tls_t *tls;           /* NULL: plain */
    bool is_unix;
    bool shows_progress;              /* the last span of a write leaves in a packet of its own */
    bool was_kept;                    /* it has carried another request before */
    unsigned int uses;                /* requests carried so far, this one included */
    apr_time_t kept_since;            /* monotonic us; while it is kept */
    fcgi_connection_t *next_kept;
};

/** Monotonic time in us. */
apr_time_t fcgi_now(void);

/** Connect; tries all addresses within the one time limit. A unix socket whose backlog is full is
 *  tried again until the limit.
 *  returns  APR_SUCCESS, APR_TIMEUP, APR_EAGAIN (the backlog was full all the time), APR_EINTR
 *           (stop_fd), or the system's error of the last address */
apr_status_t fcgi_connection_open(fcgi_connection_t **connection, const fcgi_endpoint_t *to);

/** Close and free; *connection becomes NULL. A NULL connection is fine. */
void fcgi_connection_close(fcgi_connection_t **connection);

/** Is a kept connection still open, with nothing unread in it? */
bool fcgi_connection_is_quiet(const fcgi_connection_t *connection);

/** Write what fits, without waiting.
 *  spans    at most FCGI_SPANS_MAX
 *  returns  APR_SUCCESS with *written, APR_EAGAIN, or the system's error */
#define FCGI_SPANS_MAX 16
apr_status_t fcgi_connection_write(fcgi_connection_t *connection, const fcgi_span_t *spans,
                                   size_t count, size_t *written);

/** Read what is there, without waiting.
 *  returns  APR_SUCCESS with *got > 0, APR_EAGAIN, APR_EOF, or the system's error */
apr_status_t fcgi_connection_read(fcgi_connection_t *connection, unsigned char *buffer,
                                  size_t room, size_t *got);

/* What to wait for, and what came. */
#define FCGI_READABLE        1u    /* the connection, or its end */
#define FCGI_WRITABLE        2u
#define FCGI_CLIENT_READABLE 4u
#define FCGI_CLIENT_WRITABLE 8u
#define FCGI_CLIENT_GONE     16u   /* always watched when there is a client */

/** Wait for the connection, and for a client's socket.
 *  client_fd  -1: none
 *  wanted     of the flags above
 *  came       set on APR_SUCCESS
 *  timeout    us; 0 only looks
 *  returns    APR_SUCCESS, APR_TIMEUP, or the system's error */
apr_status_t fcgi_connection_wait(fcgi_connection_t *connection, int client_fd, unsigned wanted,
                                  unsigned *came, apr_interval_time_t timeout);

/** Make it visible how far the peer has read, on a unix socket: see below. Costs one more write for
 *  each request. */
void fcgi_connection_show_progress(fcgi_connection_t *connection);

/** Is it certain that the peer has read what was sent, all but an empty record at its end? (PHP-FPM
 *  leaves the end of STDIN in the socket until a script asks for it.) Never so over TCP: what the
 *  peer's kernel has taken says nothing. */
bool fcgi_connection_peer_has_read(const fcgi_connection_t *connection);

#endif
