/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* connecting.c - see connecting.h. */
#include "connecting.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apr_errno.h"

/* A full backlog of a unix socket cannot be waited for: look again after this long, doubled each
 * time up to the limit. */
#define BACKLOG_FIRST_WAIT_US 1000
#define BACKLOG_LAST_WAIT_US  20000

/* How soon to try again where nobody listens. */
#define AWAY_WAIT_US (25 * 1000)

static void set_options(int fd, int family, const fcgi_endpoint_t *to)
{
    const int on = 1;

    /* None of them is worth failing a request for. */
    if (to->receive_buffer_bytes > 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &to->receive_buffer_bytes, sizeof(int));
    }
    if (family != AF_UNIX && to->tcp_keepalive) {
        (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    }
}

static const struct sockaddr *address_of(const fcgi_connecting_t *c)
{
    return (const struct sockaddr *)&c->to.address[c->next].at;
}

static apr_status_t make_socket(fcgi_connecting_t *c)
{
    const int family = address_of(c)->sa_family;
    const fcgi_endpoint_t *to = &c->to;

    c->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) {
        return errno;
    }
    set_options(c->fd, family, to);
    return to->source && to->source->sa_family == family
                   && bind(c->fd, to->source, to->source_bytes) != 0
               ? errno
               : APR_SUCCESS;
}

static apr_status_t wait_for(fcgi_connecting_t *c, int fd, apr_interval_time_t timeout)
{
    c->wait = (fcgi_wait_t){ .fd = fd,
                             .client_fd = c->to.watched_fd,
                             .wanted = fd < 0 ? 0 : FCGI_WRITABLE,
                             .timeout = timeout > 0 ? timeout : 0 };
    return APR_EINPROGRESS;
}

/* The backlog is full. */
static apr_status_t put_off(fcgi_connecting_t *c)
{
    const apr_interval_time_t left = c->deadline - fc_now();

    if (left <= 0) {
        return APR_EAGAIN;
    }
    c->pause = c->pause == 0 ? BACKLOG_FIRST_WAIT_US : c->pause * 2;
    c->pause = c->pause > BACKLOG_LAST_WAIT_US ? BACKLOG_LAST_WAIT_US : c->pause;
    return wait_for(c, -1, left < c->pause ? left : c->pause);
}

static apr_status_t connect_now(fcgi_connecting_t *c)
{
    if (connect(c->fd, address_of(c), c->to.address[c->next].bytes) == 0) {
        return APR_SUCCESS;
    }
    if (errno == EAGAIN) {
        return put_off(c);
    }
    c->is_in_progress = errno == EINPROGRESS || errno == EINTR;
    return c->is_in_progress ? wait_for(c, c->fd, c->deadline - fc_now()) : errno;
}

static apr_status_t result_of(fcgi_connecting_t *c, unsigned came)
{
    int error = 0;
    socklen_t bytes = sizeof(error);

    if (came & FCGI_WRITABLE && !(came & FCGI_READABLE)) {
        return APR_SUCCESS;    /* with an error it would be readable too */
    }
    if (!(came & FCGI_READABLE)) {
        return came & FCGI_TIME_IS_UP ? APR_TIMEUP
                                      : wait_for(c, c->fd, c->deadline - fc_now());
    }
    return getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &bytes) == 0 ? error : errno;
}

static apr_status_t go_on_with_address(fcgi_connecting_t *c, unsigned came)
{
    if (c->is_in_progress) {
        return result_of(c, came);
    }
    const apr_status_t rv = c->fd < 0 ? make_socket(c) : APR_SUCCESS;
    return rv == APR_SUCCESS ? connect_now(c) : rv;
}

static apr_status_t hand_over(fcgi_connecting_t *c, fcgi_connection_t **connection)
{
    *connection = calloc(1, sizeof(**connection));
    if (!*connection) {
        fcgi_connecting_stop(c);
        return APR_ENOMEM;
    }
    (*connection)->fd = c->fd;
    if (address_of(c)->sa_family == AF_UNIX) {
        const struct sockaddr_un *at = (const struct sockaddr_un *)address_of(c);
        memcpy((*connection)->socket, at->sun_path, strlen(at->sun_path) + 1);
    }
    c->fd = -1;
    return APR_SUCCESS;
}

/* All addresses have failed: over a reload of PHP-FPM nobody listens for a moment. */
static bool is_worth_another_round(fcgi_connecting_t *c, apr_status_t rv)
{
    return (APR_STATUS_IS_ECONNREFUSED(rv) || APR_STATUS_IS_ENOENT(rv))
           && fc_now() < c->patient_until;
}

static void begin_round(fcgi_connecting_t *c, apr_time_t at)
{
    c->next = 0;
    c->deadline = at + c->to.connect_timeout;
}

void fcgi_connecting_begin(fcgi_connecting_t *c, const fcgi_endpoint_t *to)
{
    const apr_time_t now = fc_now();

    *c = (fcgi_connecting_t){ .to = *to, .fd = -1, .patient_until = now + to->patience };
    begin_round(c, now);
}

apr_status_t fcgi_connecting_step(fcgi_connecting_t *c, unsigned came,
                                  fcgi_connection_t **connection)
{
    *connection = NULL;
    if (came & FCGI_CLIENT_GONE) {
        fcgi_connecting_stop(c);
        return APR_EINTR;
    }
    for (;;) {
        const apr_status_t rv = c->next < c->to.address_count ? go_on_with_address(c, came)
                                                              : APR_EINVAL;
        if (rv == APR_SUCCESS) {
            return hand_over(c, connection);
        }
        if (rv == APR_EINPROGRESS) {
            return rv;
        }
        fcgi_connecting_stop(c);
        if (++c->next < c->to.address_count) {
            continue;
        }
        if (is_worth_another_round(c, rv)) {
            begin_round(c, fc_now() + AWAY_WAIT_US);
            return wait_for(c, -1, AWAY_WAIT_US);
        }
        return rv;
    }
}

void fcgi_connecting_stop(fcgi_connecting_t *c)
{
    if (c->fd >= 0) {
        close(c->fd);
    }
    c->fd = -1;
    c->is_in_progress = false;
    c->pause = 0;
}

apr_status_t fcgi_connecting_run(fcgi_connection_t **connection, const fcgi_endpoint_t *to)
{
    fcgi_connecting_t connecting;
    unsigned came = 0;
    apr_status_t rv;

    fcgi_connecting_begin(&connecting, to);
    while ((rv = fcgi_connecting_step(&connecting, came, connection)) == APR_EINPROGRESS) {
        came = fcgi_wait_in_thread(&connecting.wait);
    }
    return rv;
}
