/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* body_file.c - see body_file.h. */
#include "body_file.h"

#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "apr_errno.h"

#define COPY_BYTES 16384

/* What is to follow at once need not leave in packets of its own. */
static ssize_t send_before(int fd, const fc_span_t *spans, size_t count)
{
    struct iovec pieces[FCGI_SPANS_MAX];
    const struct msghdr message = { .msg_iov = pieces, .msg_iovlen = count };
    ssize_t n;

    for (size_t i = 0; i < count; i++) {
        /* the system's struct is for reading too and has no const */
        pieces[i].iov_base = (void *)(uintptr_t)spans[i].at;
        pieces[i].iov_len = spans[i].bytes;
    }
    do {
        n = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_MORE);
    } while (n < 0 && errno == EINTR);
    return n;
}

/* Tells whether it is the file or the socket that fails, and serves for a file that sendfile() does
 * not take. */
static ssize_t send_copy(int fd, fcgi_body_file_t *file, size_t bytes)
{
    unsigned char copy[COPY_BYTES];
    const ssize_t got =
        pread(file->fd, copy, bytes < sizeof(copy) ? bytes : sizeof(copy), file->offset);

    if (got <= 0) {
        file->has_failed = true;
        errno = got == 0 ? EIO : errno;    /* it is shorter than it was */
        return -1;
    }
    const ssize_t sent = send(fd, copy, (size_t)got, MSG_NOSIGNAL);
    file->offset += sent > 0 ? sent : 0;
    return sent;
}

static ssize_t send_piece(int fd, fcgi_body_file_t *file, size_t bytes)
{
    const ssize_t sent = sendfile(fd, file->fd, &file->offset, bytes);

    return sent > 0 || (sent < 0 && (errno == EAGAIN || errno == EINTR))
               ? sent
               : send_copy(fd, file, bytes);
}

apr_status_t fcgi_body_file_send(fcgi_connection_t *connection, const fc_span_t *before,
                                 size_t count, fcgi_body_file_t *file, size_t bytes,
                                 size_t *written)
{
    size_t wanted = 0;
    ssize_t sent = 0;

    *written = 0;
    for (size_t i = 0; i < count; i++) {
        wanted += before[i].bytes;
    }
    if (count > 0) {
        sent = send_before(connection->fd, before, count);
        *written = sent > 0 ? (size_t)sent : 0;
    }
    if (sent < 0 || *written < wanted) {
        return sent < 0 ? errno : APR_SUCCESS;
    }
    do {
        sent = send_piece(connection->fd, file, bytes);
    } while (sent < 0 && errno == EINTR);
    *written += sent > 0 ? (size_t)sent : 0;
    return sent < 0 ? errno : APR_SUCCESS;
}
