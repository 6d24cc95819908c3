/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* tls.h - TLS on a connection to a backend, by mod_ssl's proxy side (the SSLProxy* directives).
 * Knows    httpd's connection filters.
 * Ignores  FastCGI; whose certificate is right (mod_ssl decides that).
 * Memory   a pool of its own below the worker's.   Threads: one at a time.
 *
 * Writing waits until everything is written; reading does not wait. */
#ifndef FCGI_TLS_H
#define FCGI_TLS_H

#include <stdbool.h>

#include "mod_proxy.h"
#include "span.h"

typedef struct fcgi_tls_t fcgi_tls_t;

/** Shake hands on an open socket.
 *  fd       stays the caller's
 *  r        NULL for a check: the SSLProxy* directives of the worker's <Proxy> section and of `s`
 *  host     to ask for (SNI) and to find in the certificate
 *  handshake_timeout, timeout   of each wait for the socket, then and later, us
 *  returns  APR_SUCCESS, with *started set; else the handshake failed, and mod_ssl has
 *           logged why */
apr_status_t fcgi_tls_start(fcgi_tls_t **started, int fd, proxy_worker *worker, request_rec *r,
                            server_rec *s, const char *host, apr_interval_time_t handshake_timeout,
                            apr_interval_time_t timeout);

/** As fcgi_connection_write() and fcgi_connection_read(). */
apr_status_t fcgi_tls_write(fcgi_tls_t *tls, const fc_span_t *spans, size_t count,
                            size_t *written);
apr_status_t fcgi_tls_read(fcgi_tls_t *tls, unsigned char *buffer, size_t room, size_t *got);

/** May something that was read from the socket still lie in the filters? */
bool fcgi_tls_may_hold_data(const fcgi_tls_t *tls);

/** Say goodbye and free; the socket stays open. */
void fcgi_tls_end(fcgi_tls_t *tls);

#endif
