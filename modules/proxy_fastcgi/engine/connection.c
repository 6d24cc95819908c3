/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* connection.c - see connection.h. */
#include "connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "apr_errno.h"
#include "tls.h"

/* A full backlog of a unix socket cannot be waited for: look again after this long, doubled each
 * time up to the limit. */
#define BACKLOG_FIRST_WAIT_US 1000
#define BACKLOG_LAST_WAIT_US  20000

apr_time_t fcgi_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return apr_time_from_sec(now.tv_sec) + now.tv_nsec / 1000;
}

static apr_status_t wait_for(struct pollfd *fds, nfds_t count, apr_interval_time_t timeout)
{
    const apr_time_t deadline = fcgi_now() + timeout;

    for (;;) {
        /* round up, so that a wait is never over too early */
        const int ready = poll(fds, count, (int)((timeout + 999) / 1000));
        if (ready > 0) {
            return APR_SUCCESS;
        }
        if (ready == 0) {
            return APR_TIMEUP;
        }
        if (errno != EINTR) {
            return errno;
        }
        timeout = deadline - fcgi_now();
        if (timeout <= 0) {
            return APR_TIMEUP;
        }
    }
}

static void set_options(int fd, int family, const fcgi_endpoint_t *to)
{
    const int on = 1;

    /* None of them is worth failing a request for. */
    if (to->receive_buffer_bytes > 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &to->receive_buffer_bytes, sizeof(int));
    }
    if (family != AF_UNIX) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        if (to->tcp_keepalive) {
            (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
        }
    }
}

/* poll() leaves out a negative descriptor */
static struct pollfd watch_for_stop(const fcgi_endpoint_t *to)
{
    return (struct pollfd){ .fd = to->stop_fd > 0 ? to->stop_fd : -1 };
}

static apr_status_t finish_connect(int fd, const fcgi_endpoint_t *to, apr_time_t deadline)
{
    int error = 0;
    socklen_t bytes = sizeof(error);
    struct pollfd waiting[2] = { { .fd = fd, .events = POLLOUT }, watch_for_stop(to) };
    const apr_interval_time_t left = deadline - fcgi_now();
    const apr_status_t rv = wait_for(waiting, 2, left > 0 ? left : 0);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (waiting[1].revents) {
        return APR_EINTR;
    }
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) == 0 ? error : errno;
}

/* connect() until the deadline; EAGAIN is a unix socket with a full backlog. */
static apr_status_t connect_until(int fd, const fcgi_endpoint_t *to, int i, apr_time_t deadline)
{
    const struct sockaddr *at = (const struct sockaddr *)&to->address[i].at;
    struct pollfd stop = watch_for_stop(to);

    for (apr_interval_time_t pause = BACKLOG_FIRST_WAIT_US;; pause *= 2) {
        if (connect(fd, at, to->address[i].bytes) == 0) {
            return APR_SUCCESS;
        }
        if (errno == EINPROGRESS || errno == EINTR) {
            return finish_connect(fd, to, deadline);
        }
        if (errno != EAGAIN) {
            return errno;
        }
        const apr_interval_time_t left = deadline - fcgi_now();
        if (left <= 0) {
            return APR_EAGAIN;
        }
        pause = pause > BACKLOG_LAST_WAIT_US ? BACKLOG_LAST_WAIT_US : pause;
        if (poll(&stop, 1, (int)((left < pause ? left : pause) / 1000) + 1) > 0) {
            return APR_EINTR;
        }
    }
}

static apr_status_t open_one(int *opened, const fcgi_endpoint_t *to, int i, apr_time_t deadline)
{
    const struct sockaddr *at = (const struct sockaddr *)&to->address[i].at;
    const int fd = socket(at->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return errno;
    }
    set_options(fd, at->sa_family, to);
    apr_status_t rv = APR_SUCCESS;
    if (to->source && to->source->sa_family == at->sa_family
        && bind(fd, to->source, to->source_bytes) != 0) {
        rv = errno;
    }
    if (rv == APR_SUCCESS) {
        rv = connect_until(fd, to, i, deadline);
    }
    if (rv != APR_SUCCESS) {
        close(fd);
        return rv;
    }
    *opened = fd;
    return APR_SUCCESS;
}

apr_status_t fcgi_connection_open(fcgi_connection_t **connection, const fcgi_endpoint_t *to)
{
    const apr_time_t deadline = fcgi_now() + to->connect_timeout;
    apr_status_t rv = APR_EINVAL;
    int fd = -1;

    *connection = NULL;
    for (int i = 0; i < to->address_count && rv != APR_SUCCESS && rv != APR_EINTR; i++) {
        rv = open_one(&fd, to, i, deadline);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    fcgi_connection_t *c = calloc(1, sizeof(*c));
    if (!c) {
        close(fd);
        return APR_ENOMEM;
    }
    c->fd = fd;
    c->is_unix = to->address[0].at.ss_family == AF_UNIX;
    *connection = c;
    return APR_SUCCESS;
}

void fcgi_connection_close(fcgi_connection_t **connection)
{
    if (*connection) {
        if ((*connection)->tls) {
            fcgi_tls_end((*connection)->tls);
        }
        close((*connection)->fd);
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

apr_status_t fcgi_connection_write(fcgi_connection_t *connection, const fcgi_span_t *spans,
                                   size_t count, size_t *written)
{
    if (connection->tls) {
        return fcgi_tls_write(connection->tls, spans, count, written);
    }
    /* whoever asks for the rest gets it with the next call */
    count -= connection->shows_progress && count > 1;
    struct iovec pieces[FCGI_SPANS_MAX];
    struct msghdr message = { .msg_iov = pieces, .msg_iovlen = count };
    ssize_t n;

    for (size_t i = 0; i < count; i++) {
        /* the system's struct is for reading too and has no const */
        pieces[i].iov_base = (void *)(uintptr_t)spans[i].at;
        pieces[i].iov_len = spans[i].bytes;
    }
    do {
        n = sendmsg(connection->fd, &message, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    *written = n > 0 ? (size_t)n : 0;
    return n >= 0 ? APR_SUCCESS : errno;
}

apr_status_t fcgi_connection_read(fcgi_connection_t *connection, unsigned char *buffer,
                                  size_t room, size_t *got)
{
    ssize_t n;

    if (connection->tls) {
        return fcgi_tls_read(connection->tls, buffer, room, got);
    }
    do {
        n = recv(connection->fd, buffer, room, 0);
    } while (n < 0 && errno == EINTR);
    *got = n > 0 ? (size_t)n : 0;
    return n > 0 ? APR_SUCCESS : n == 0 ? APR_EOF : errno;
}

apr_status_t fcgi_connection_wait(fcgi_connection_t *connection, int client_fd, unsigned wanted,
                                  unsigned *came, apr_interval_time_t timeout)
{
    struct pollfd fds[2] = {
        { .fd = connection->fd,
          .events = (short)((wanted & FCGI_READABLE ? POLLIN : 0)
                            | (wanted & FCGI_WRITABLE ? POLLOUT : 0)) },
        { .fd = client_fd,    /* poll() leaves out a negative one */
          .events = (short)(POLLRDHUP | (wanted & FCGI_CLIENT_READABLE ? POLLIN : 0)
                            | (wanted & FCGI_CLIENT_WRITABLE ? POLLOUT : 0)) },
    };
    if (connection->tls && fcgi_tls_may_hold_data(connection->tls)) {
        *came = FCGI_READABLE;
        return APR_SUCCESS;
    }
    const apr_status_t rv = wait_for(fds, client_fd < 0 ? 1 : 2, timeout);

    *came = 0;
    if (rv == APR_SUCCESS) {
        *came |= fds[0].revents & (POLLIN | POLLHUP | POLLERR) ? FCGI_READABLE : 0;
        *came |= fds[0].revents & POLLOUT ? FCGI_WRITABLE : 0;
        *came |= fds[1].revents & POLLIN ? FCGI_CLIENT_READABLE : 0;
        *came |= fds[1].revents & POLLOUT ? FCGI_CLIENT_WRITABLE : 0;
        /* POLLNVAL: httpd is being stopped and has closed its clients' sockets */
        *came |= fds[1].revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL) ? FCGI_CLIENT_GONE : 0;
    }
    return rv;
}

void fcgi_connection_show_progress(fcgi_connection_t *connection)
{
    connection->shows_progress = connection->is_unix;
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

    return connection->is_unix && ioctl(connection->fd, SIOCOUTQ, &unread) == 0
           && (unread == 0
               || (connection->shows_progress && unread <= cost_of_small_packet()));
}
