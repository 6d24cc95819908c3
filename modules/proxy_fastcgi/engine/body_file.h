/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* body_file.h - the part of a request body that lies in a file, on its way to the socket.
 * Knows    sendfile(), and what to do without.
 * Ignores  FastCGI, and who has written the file.
 * Memory   borrows the descriptor.   Threads: one at a time. */
#ifndef FCGI_BODY_FILE_H
#define FCGI_BODY_FILE_H

#include <sys/types.h>

#include "connection.h"

typedef struct {
    int fd;
    off_t offset;        /* of the next byte to send */
    bool has_failed;     /* it cannot be read, or ends too early */
} fcgi_body_file_t;

/** Send on as much as fits of what stands before a piece of the file, and of that piece, without
 *  waiting and without copying it. Not over TLS.
 *  before   count spans: a record's header, mostly; may be none
 *  bytes    of the piece; the offset advances by what was sent of it
 *  returns  as fcgi_connection_write(), but *written may be more than 0 with an error too; or the
 *           file's error, with has_failed */
apr_status_t fcgi_body_file_send(fcgi_connection_t *connection, const fc_span_t *before,
                                 size_t count, fcgi_body_file_t *file, size_t bytes,
                                 size_t *written);

#endif
