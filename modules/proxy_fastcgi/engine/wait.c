/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* wait.c - see wait.h. */
#include "wait.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>

/* Rounded up, so that a wait is never over too early. */
static int milliseconds(apr_interval_time_t us)
{
    const apr_interval_time_t ms = (us + 999) / 1000;
    return us < 0         ? -1
           : ms < INT_MAX ? (int)ms
                          : INT_MAX;
}

/* returns  did anything come? A wait that the system refuses is over, too. */
static int wait_for(struct pollfd *fds, nfds_t count, apr_interval_time_t timeout)
{
    const apr_time_t deadline = fc_now() + timeout;

    for (;;) {
        const int ready = poll(fds, count, milliseconds(timeout));
        if (ready >= 0 || errno != EINTR) {
            return ready > 0;
        }
        if (timeout >= 0) {
            timeout = deadline - fc_now();
            timeout = timeout > 0 ? timeout : 0;
        }
    }
}

unsigned fcgi_wait_in_thread(const fcgi_wait_t *wait)
{
    /* poll() leaves out a negative descriptor */
    struct pollfd fds[2] = {
        { .fd = wait->fd,
          .events = (short)((wait->wanted & FCGI_READABLE ? POLLIN : 0)
                            | (wait->wanted & FCGI_WRITABLE ? POLLOUT : 0)) },
        { .fd = wait->client_fd,
          .events = (short)((wait->wanted & FCGI_CLIENT_MAY_END ? 0 : POLLRDHUP)
                            | (wait->wanted & FCGI_CLIENT_READABLE ? POLLIN : 0)
                            | (wait->wanted & FCGI_CLIENT_WRITABLE ? POLLOUT : 0)) },
    };
    if (!wait_for(fds, wait->client_fd < 0 ? 1 : 2, wait->timeout)) {
        return FCGI_TIME_IS_UP;
    }
    /* POLLNVAL: httpd is being stopped and has closed its clients' sockets */
    return (fds[0].revents & (POLLIN | POLLHUP | POLLERR) ? FCGI_READABLE : 0)
           | (fds[0].revents & POLLOUT ? FCGI_WRITABLE : 0)
           | (fds[1].revents & POLLIN ? FCGI_CLIENT_READABLE : 0)
           | (fds[1].revents & POLLOUT ? FCGI_CLIENT_WRITABLE : 0)
           | (fds[1].revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL) ? FCGI_CLIENT_GONE : 0);
}
