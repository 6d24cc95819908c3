/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* redis_link.c - see redis_link.h. */
#include "redis_link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "apr_strings.h"
#include "clock.h"

/* The documents of a full fleet are a third less. */
#define ANSWERS_MAX (16 * 1024 * 1024)
#define READ_BYTES  (64 * 1024)

/* In one list. hiredis makes room for as many as are announced: "*2147483647" for 16 GB. */
#define ELEMENTS_MAX (64 * 1024)

void lb_redis_link_init(lb_redis_link_t *link, int stop_fd)
{
    *link = (lb_redis_link_t){ .fd = -1, .stop_fd = stop_fd };
}

void lb_redis_link_set_limit(lb_redis_link_t *link, apr_interval_time_t us)
{
    link->deadline = fc_now() + us;
}

void lb_redis_link_close(lb_redis_link_t *link)
{
    if (link->fd >= 0) {
        close(link->fd);
        link->fd = -1;
    }
    if (link->reader) {
        redisReaderFree(link->reader);
        link->reader = NULL;
    }
    free(link->out);
    link->out = NULL;
    link->out_bytes = link->out_room = 0;
}

bool lb_redis_link_fail(lb_redis_link_t *link, lb_fault_t fault, const char *reason)
{
    lb_redis_link_close(link);
    link->fault = fault;
    apr_snprintf(link->reason, sizeof(link->reason), "%s: %s", link->name, reason);
    return false;
}

static bool fail_by_errno(lb_redis_link_t *link, lb_fault_t fault, int error)
{
    char text[120];
    return lb_redis_link_fail(link, fault, apr_strerror(error, text, sizeof(text)));
}

/* Until the socket is ready for `events`. */
static bool wait_until_ready(lb_redis_link_t *link, short events)
{
    struct pollfd fds[] = { { .fd = link->fd, .events = events },
                            { .fd = link->stop_fd, .events = POLLIN } };

    for (;;) {
        const apr_interval_time_t left = link->deadline - fc_now();
        if (left <= 0) {
            return lb_redis_link_fail(link, LB_FAULT_TIMEOUT, "no answer in time");
        }
        const int ready = poll(fds, 2, (int)(left / 1000) + 1);
        if (fds[1].revents && ready > 0) {
            return lb_redis_link_fail(link, LB_FAULT_STOPPED, "this process ends");
        }
        if (ready > 0) {
            return true;
        }
        if (ready < 0 && errno != EINTR) {
            return fail_by_errno(link, LB_FAULT_ERROR, errno);
        }
    }
}

/* ---- A reader that takes no list of any length ----------------------------------------------- */

#if HIREDIS_MAJOR < 1
static void *(*create_array)(const redisReadTask *task, int elements);

static void *create_short_array(const redisReadTask *task, int elements)
{
    return elements <= ELEMENTS_MAX ? create_array(task, elements) : NULL;
}

static void limit_lists(redisReader *reader)
{
    static redisReplyObjectFunctions functions;

    create_array = reader->fn->createArray;
    functions = *reader->fn;
    functions.createArray = create_short_array;
    reader->fn = &functions;
}
#else
static void limit_lists(redisReader *reader)
{
    reader->maxelements = ELEMENTS_MAX;
}
#endif

static bool make_reader(lb_redis_link_t *link)
{
    link->reader = redisReaderCreate();
    if (!link->reader) {
        return fail_by_errno(link, LB_FAULT_ERROR, ENOMEM);
    }
    limit_lists(link->reader);
    return true;
}

/* ---- Connecting ------------------------------------------------------------------------------ */

static bool connect_to(lb_redis_link_t *link, int family, const struct sockaddr *address,
                       socklen_t bytes)
{
    int error = 0;
    socklen_t error_bytes = sizeof(error);

    link->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (link->fd < 0) {
        return fail_by_errno(link, LB_FAULT_ERROR, errno);
    }
    if (connect(link->fd, address, bytes) != 0) {
        if (errno != EINPROGRESS) {    /* a full backlog of a unix socket is EAGAIN */
            return fail_by_errno(link, LB_FAULT_REFUSED, errno);
        }
        if (!wait_until_ready(link, POLLOUT)) {
            return false;
        }
        getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &error_bytes);
        if (error != 0) {
            return fail_by_errno(link, LB_FAULT_REFUSED, error);
        }
    }
    return make_reader(link);
}

bool lb_redis_link_open_socket(lb_redis_link_t *link, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    apr_cpystrn(link->name, path, sizeof(link->name));
    apr_cpystrn(address.sun_path, path, sizeof(address.sun_path));
    return connect_to(link, AF_UNIX, (struct sockaddr *)&address, sizeof(address));
}

bool lb_redis_link_open(lb_redis_link_t *link, const char *host, apr_port_t port, apr_pool_t *p)
{
    const int yes = 1;
    apr_sockaddr_t *address;
    bool is_open = false;

    apr_snprintf(link->name, sizeof(link->name), strchr(host, ':') ? "[%s]:%hu" : "%s:%hu", host,
                 port);
    if (apr_sockaddr_info_get(&address, host, APR_UNSPEC, port, 0, p) != APR_SUCCESS) {
        return lb_redis_link_fail(link, LB_FAULT_NAME, "the name has no address");
    }
    for (; address && !is_open; address = address->next) {
        is_open = connect_to(link, address->family, (struct sockaddr *)&address->sa,
                             address->salen);
        if (!is_open && link->fault == LB_FAULT_STOPPED) {
            return false;
        }
    }
    if (is_open) {
        setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    }
    return is_open;
}

/* ---- Commands -------------------------------------------------------------------------------- */

static bool append(lb_redis_link_t *link, const char *bytes, size_t count)
{
    if (link->out_bytes + count > link->out_room) {
        const size_t room = 2 * (link->out_bytes + count);
        char *grown = realloc(link->out, room);
        if (!grown) {
            return fail_by_errno(link, LB_FAULT_ERROR, ENOMEM);
        }
        link->out = grown;
        link->out_room = room;
    }
    memcpy(link->out + link->out_bytes, bytes, count);
    link->out_bytes += count;
    return true;
}

bool lb_redis_link_add(lb_redis_link_t *link, const apr_array_header_t *words)
{
    const size_t count = (size_t)words->nelts;
    const char **texts = apr_palloc(words->pool, count * sizeof(*texts));
    size_t *bytes = apr_palloc(words->pool, count * sizeof(*bytes));
    char *command = NULL;

    for (size_t i = 0; i < count; i++) {
        texts[i] = (const char *)APR_ARRAY_IDX(words, i, fc_span_t).at;
        bytes[i] = APR_ARRAY_IDX(words, i, fc_span_t).bytes;
    }
    const long long length = redisFormatCommandArgv(&command, (int)count, texts, bytes);
    if (length < 0) {
        return fail_by_errno(link, LB_FAULT_ERROR, ENOMEM);
    }
    const bool is_added = append(link, command, (size_t)length);
    redisFreeCommand(command);
    return is_added;
}

bool lb_redis_link_send(lb_redis_link_t *link)
{
    size_t sent = 0;

    while (sent < link->out_bytes) {
        const ssize_t n = send(link->fd, link->out + sent, link->out_bytes - sent, MSG_NOSIGNAL);
        if (n >= 0) {
            sent += (size_t)n;
        }
        else if (errno == EAGAIN) {
            if (!wait_until_ready(link, POLLOUT)) {
                return false;
            }
        }
        else if (errno != EINTR) {
            return fail_by_errno(link, LB_FAULT_CLOSED, errno);
        }
    }
    link->out_bytes = link->in_bytes = 0;
    return true;
}

/* ---- Replies --------------------------------------------------------------------------------- */

/* Some bytes more. */
static bool read_some(lb_redis_link_t *link)
{
    char bytes[READ_BYTES];

    if (!wait_until_ready(link, POLLIN)) {
        return false;
    }
    const ssize_t n = recv(link->fd, bytes, sizeof(bytes), 0);
    if (n == 0) {
        return lb_redis_link_fail(link, LB_FAULT_CLOSED, "it has closed the connection");
    }
    if (n < 0) {
        return errno == EINTR || errno == EAGAIN || fail_by_errno(link, LB_FAULT_CLOSED, errno);
    }
    link->in_bytes += (size_t)n;
    if (link->in_bytes > ANSWERS_MAX) {
        return lb_redis_link_fail(link, LB_FAULT_PROTOCOL, "its answers exceed 16 MB");
    }
    return redisReaderFeed(link->reader, bytes, (size_t)n) == REDIS_OK
           || fail_by_errno(link, LB_FAULT_ERROR, ENOMEM);
}

redisReply *lb_redis_link_receive(lb_redis_link_t *link)
{
    void *reply = NULL;

    while (!reply) {
        if (redisReaderGetReply(link->reader, &reply) != REDIS_OK) {
            char reason[sizeof(link->reader->errstr)];
            apr_cpystrn(reason, link->reader->errstr, sizeof(reason));
            lb_redis_link_fail(link, LB_FAULT_PROTOCOL, reason);
            return NULL;
        }
        if (!reply && !read_some(link)) {
            return NULL;
        }
    }
    return reply;
}
