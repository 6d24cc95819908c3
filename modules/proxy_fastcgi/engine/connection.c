/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* connection.c - see connection.h. */
#include "connection.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "apr_errno.h"
#include "tls.h"
#include "wait_set.h"

#define ONE_PACKET_BYTES 1200    /* networks take it: 1280 is the least of IPv6, with headers */

void fcgi_connection_close(fcgi_connection_t **connection)
{
    if (*connection) {
        if ((*connection)->tls) {
            fcgi_tls_end((*connection)->tls);
        }
        close((*connection)->fd);
        fcgi_wait_set_leave(&(*connection)->set);
        free(*connection);
        *connection = NULL;
    }
}

bool fcgi_connection_is_quiet(const fcgi_connection_t *connection)
{
    unsigned char byte;
    size_t got;

    if (connection->tls) {
        /* what lies in the socket may be a session ticket: the filters have to look at it */
        return APR_STATUS_IS_EAGAIN(fcgi_tls_read(connection->tls, &byte, 1, &got));
    }
    return recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0
           && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void fcgi_connection_let_wait(fcgi_connection_t *connection)
{
    const struct timeval moment = { .tv_usec = FCGI_MOMENT_US };
    int never = 0;

    connection->can_wait =
        !connection->tls
        && setsockopt(connection->fd, SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof(moment)) == 0
        && ioctl(connection->fd, FIONBIO, &never) == 0;
}

/* TCP would keep a small packet back while one before it is not acknowledged. A request in one
 * packet on a new connection has none before it, and is spared the call. (With TLS, httpd's core
 * does it.) */
static void be_prompt(fcgi_connection_t *connection)
{
    const int on = 1;

    connection->is_prompt = true;    /* it is not worth failing a request for */
    if (!*connection->socket) {
        (void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
}

apr_status_t fcgi_connection_write(fcgi_connection_t *connection, const fc_span_t *spans,
                                   size_t count, size_t *written)
{
    if (connection->tls) {
        return fcgi_tls_write(connection->tls, spans, count, written);
    }
    /* whoever asks for the rest gets it with the next call */
    count -= connection->shows_progress && count > 1;
    struct iovec pieces[FCGI_SPANS_MAX];
    struct msghdr message = { .msg_iov = pieces, .msg_iovlen = count };
    size_t bytes = 0;
    ssize_t n;

    for (size_t i = 0; i < count; i++) {
        bytes += spans[i].bytes;
        /* the system's struct is for reading too and has no const */
        pieces[i].iov_base = (void *)(uintptr_t)spans[i].at;
        pieces[i].iov_len = spans[i].bytes;
    }
    if (!connection->is_prompt && (connection->has_written || bytes > ONE_PACKET_BYTES)) {
        be_prompt(connection);
    }
    connection->has_written = true;
    do {
        n = sendmsg(connection->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    *written = n > 0 ? (size_t)n : 0;
    return n >= 0 ? APR_SUCCESS : errno;
}

static apr_status_t receive(int fd, unsigned char *buffer, size_t room, int flags, size_t *got)
{
    ssize_t n;

    do {
        n = recv(fd, buffer, room, flags);
    } while (n < 0 && errno == EINTR);
    *got = n > 0 ? (size_t)n : 0;
    return n > 0    ? APR_SUCCESS
           : n == 0 ? APR_EOF
                    : errno;
}

apr_status_t fcgi_connection_read(fcgi_connection_t *connection, unsigned char *buffer,
                                  size_t room, size_t *got)
{
    return connection->tls ? fcgi_tls_read(connection->tls, buffer, room, got)
                           : receive(connection->fd, buffer, room, MSG_DONTWAIT, got);
}

apr_status_t fcgi_connection_read_patiently(fcgi_connection_t *connection, unsigned char *buffer,
                                            size_t room, size_t *got)
{
    return receive(connection->fd, buffer, room, 0, got);
}

bool fcgi_connection_holds_data(const fcgi_connection_t *connection)
{
    return connection->tls && fcgi_tls_may_hold_data(connection->tls);
}

void fcgi_connection_show_progress(fcgi_connection_t *connection)
{
    connection->shows_progress = *connection->socket != '\0';
}

/* What the kernel counts for a packet of so few bytes that nobody has read: it differs from kernel
 * to kernel, so it is asked once.
 * returns  0 when it cannot be told */
static int cost_of_small_packet(void)
{
    static int known;
    const unsigned char record[8] = { 0 };
    int cost = __atomic_load_n(&known, __ATOMIC_RELAXED), pair[2];

    if (cost == 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0) {
        if (write(pair[0], record, sizeof(record)) != (ssize_t)sizeof(record)
            || ioctl(pair[0], SIOCOUTQ, &cost) != 0) {
            cost = 0;
        }
        close(pair[0]);
        close(pair[1]);
        __atomic_store_n(&known, cost, __ATOMIC_RELAXED);
    }
    return cost;
}

bool fcgi_connection_peer_has_read(const fcgi_connection_t *connection)
{
    int unread = 0;

    return *connection->socket && ioctl(connection->fd, SIOCOUTQ, &unread) == 0
           && (unread == 0
               || (connection->shows_progress && unread <= cost_of_small_packet()));
}
