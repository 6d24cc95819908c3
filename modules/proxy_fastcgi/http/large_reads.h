/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* large_reads.h - the client's socket as httpd reads it: in larger pieces while a body comes in.
 * Knows    httpd's hook for the bucket at the bottom of a connection's input.
 * Ignores  what the bytes are: HTTP, TLS.
 * Memory   c->pool.   Threads: the connection's own. */
#ifndef FCGI_LARGE_READS_H
#define FCGI_LARGE_READS_H

#include "httpd.h"

/** From the first to the second, the client's socket is read in pieces of up to so many bytes, else
 *  of APR's usual 8000. For an HTTP/2 stream, which has no socket, they do nothing. */
void fcgi_large_reads_begin(conn_rec *c, apr_size_t bytes);
void fcgi_large_reads_end(conn_rec *c);

/** Free the pieces that are used up. httpd would do so when it reads again: until then, 8 KB are
 *  held by each request that waits. */
void fcgi_large_reads_free_used(conn_rec *c);

void fcgi_large_reads_register(void);

#endif
