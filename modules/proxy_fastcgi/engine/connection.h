/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* connection.h - one socket to a backend: write, read, close.
 * Knows    sockets, plain or with TLS; how far the peer has read.
 * Ignores  FastCGI, which backend, how it was opened (connecting.h), who waits.
 * Memory   a connection owns its descriptor and itself; who has the pointer closes it or keeps it.
 * Threads  one at a time. */
#ifndef FCGI_CONNECTION_H
#define FCGI_CONNECTION_H

#include <stdbool.h>
#include <sys/un.h>

#include "apr_time.h"
#include "span.h"

typedef struct fcgi_connection_t fcgi_connection_t;
struct fcgi_connection_t {
    int fd;
    struct fcgi_tls_t *tls;           /* NULL: plain */
    struct fcgi_wait_set_t *set;      /* that watches it, or did: a request waits without a thread,
                                       * or has waited so; NULL: none */
    char socket[sizeof(((struct sockaddr_un *)0)->sun_path)];    /* its path; "": TCP */
    bool has_written;                 /* anything at all */
    bool is_prompt;                   /* small writes leave at once */
    bool shows_progress;              /* the last span of a write leaves in a packet of its own */
    bool was_kept;                    /* it has carried another request before */
    bool is_unproven;                 /* nobody has looked whether it is still quiet */
    bool can_wait;                    /* in a read: see fcgi_connection_let_wait() */
    unsigned int uses;                /* requests carried so far, this one included */
    apr_time_t kept_since;            /* monotonic us; while it is kept */
    fcgi_connection_t *next_kept;
};

/** Close and free; *connection becomes NULL. A NULL connection is fine. */
void fcgi_connection_close(fcgi_connection_t **connection);

/** Is a kept connection still open, with nothing unread in it? */
bool fcgi_connection_is_quiet(const fcgi_connection_t *connection);

/** Let its reads wait, if they are asked to, for FCGI_MOMENT_US at most. Not with TLS, whose
 *  filters need a socket that never waits. Two calls, once for a connection that is kept. */
#define FCGI_MOMENT_US 10000
void fcgi_connection_let_wait(fcgi_connection_t *connection);

/** Write what fits, without waiting.
 *  spans    at most FCGI_SPANS_MAX
 *  returns  APR_SUCCESS with *written, APR_EAGAIN, or the system's error */
#define FCGI_SPANS_MAX 16
apr_status_t fcgi_connection_write(fcgi_connection_t *connection, const fc_span_t *spans,
                                   size_t count, size_t *written);

/** Read what is there, without waiting.
 *  returns  APR_SUCCESS with *got > 0, APR_EAGAIN, APR_EOF, or the system's error */
apr_status_t fcgi_connection_read(fcgi_connection_t *connection, unsigned char *buffer,
                                  size_t room, size_t *got);

/** The same of a connection that can wait: APR_EAGAIN when nothing came for a moment. */
apr_status_t fcgi_connection_read_patiently(fcgi_connection_t *connection, unsigned char *buffer,
                                            size_t room, size_t *got);

/** Was something read from the socket that still waits here, where no poll() sees it? */
bool fcgi_connection_holds_data(const fcgi_connection_t *connection);

/** Make it visible how far the peer has read, on a unix socket: see below. Costs one more write for
 *  each request. */
void fcgi_connection_show_progress(fcgi_connection_t *connection);

/** Is it certain that the peer has read what was sent, all but an empty record at its end? (PHP-FPM
 *  leaves the end of STDIN in the socket until a script asks for it.) Never so over TCP: what the
 *  peer's kernel has taken says nothing. */
bool fcgi_connection_peer_has_read(const fcgi_connection_t *connection);

#endif
