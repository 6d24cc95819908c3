/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fast_backend.c - a FastCGI responder that costs little, for benches and exact counts.
 * Knows    BEGIN_REQUEST, PARAMS (only QUERY_STRING is looked at), STDIN; FCGI_KEEP_CONN.
 * Ignores  roles, multiplexing, whether a request makes sense.
 * Memory   one buffer in and one out for each connection; counters shared by its processes.
 * Build    cc -O2 -std=c11 -D_GNU_SOURCE -Wall -Wextra -o fast_backend fast_backend.c
 *
 *   fast_backend [-l port | -l address:port | -u socket] [-n processes] [-b bytes] [-d ms]
 *     query string:  bytes=N  answer with N bytes    ms=N  answer after N milliseconds
 *   An upload is answered with its byte count. Prints "listening PORT-OR-PATH" when ready, and one
 *   line of counts at SIGUSR1 and before it ends by SIGTERM. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    BEGIN_REQUEST = 1,
    ABORT_REQUEST = 2,
    END_REQUEST = 3,
    PARAMS = 4,
    STDIN = 5,
    STDOUT = 6
};

enum {
    HEADER_BYTES = 8,
    IN_BYTES = 131072,
    OUT_BYTES = 262144,
    PARAMS_BYTES_MAX = 1 << 20,
    RECORD_BYTES = 65528,       /* content of a large STDOUT record: a multiple of 8 */
    EVENTS_AT_ONCE = 256,
    PROCESSES_MAX = 64
};

typedef struct {
    _Atomic uint64_t requests, connections, cut_requests, body_bytes;
    _Atomic int64_t in_flight, in_flight_peak;
} counts_t;

typedef enum {
    READING,
    WAITING,
    WRITING
} phase_t;

typedef struct connection_t {
    int fd;
    phase_t phase;
    bool keep, peer_closed, in_request;
    uint16_t id;
    uint32_t watched;                     /* epoll events now asked for */

    unsigned char *in;
    size_t in_have, in_used;
    size_t content_left, padding_left;    /* of the record whose header was read */
    uint8_t type;
    bool record_is_empty;

    unsigned char *params;
    size_t params_have, params_space;
    uint64_t stdin_bytes;

    unsigned char *out;
    size_t out_have, out_used;
    uint64_t body_left;
    bool end_is_written;

    uint64_t due_ms;
    struct connection_t *later, *sooner;  /* the list of waiting connections, by due_ms */
} connection_t;

static counts_t *counts;
static int epoll_fd, listen_fd;
static uint64_t default_bytes = 13;
static uint64_t default_ms;
static connection_t *first_due, *last_due;
static unsigned char filler[RECORD_BYTES];
static volatile sig_atomic_t must_end, must_print;

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* ---- Waiting connections ---- */

static void waiting_add(connection_t *c)
{
    connection_t *before = last_due;
    while (before && before->due_ms > c->due_ms)
        before = before->sooner;
    c->sooner = before;
    c->later = before ? before->later : first_due;
    if (c->later)
        c->later->sooner = c;
    else
        last_due = c;
    if (before)
        before->later = c;
    else
        first_due = c;
}

static void waiting_remove(connection_t *c)
{
    if (c->sooner)
        c->sooner->later = c->later;
    else
        first_due = c->later;
    if (c->later)
        c->later->sooner = c->sooner;
    else
        last_due = c->sooner;
    c->later = c->sooner = NULL;
}

/* ---- Connections ---- */

static void request_begins(connection_t *c)
{
    c->in_request = true;
    int64_t now = atomic_fetch_add(&counts->in_flight, 1) + 1;
    int64_t peak = atomic_load(&counts->in_flight_peak);
    while (now > peak && !atomic_compare_exchange_weak(&counts->in_flight_peak, &peak, now))
        ;
}

static void request_ends(connection_t *c)
{
    if (c->in_request)
        atomic_fetch_sub(&counts->in_flight, 1);
    c->in_request = false;
}

static void connection_close(connection_t *c)
{
    if (c->phase == WAITING)
        waiting_remove(c);
    if (c->in_request)
        atomic_fetch_add(&counts->cut_requests, 1);
    request_ends(c);
    close(c->fd);
    free(c->in);
    free(c->out);
    free(c->params);
    free(c);
}

static void watch(connection_t *c, uint32_t events)
{
    if (events == c->watched)
        return;
    struct epoll_event e = { .events = events, .data.ptr = c };
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &e);
    c->watched = events;
}

static void accept_all(void)
{
    for (;;) {
        int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        connection_t *c = calloc(1, sizeof *c);
        if (!c || !(c->in = malloc(IN_BYTES)) || !(c->out = malloc(OUT_BYTES)))
            fail("memory");
        c->fd = fd;
        c->watched = EPOLLIN | EPOLLRDHUP;
        struct epoll_event e = { .events = c->watched, .data.ptr = c };
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e))
            fail("epoll_ctl");
        atomic_fetch_add(&counts->connections, 1);
    }
}

/* ---- The answer ---- */

static void put_header(unsigned char *out, uint8_t type, uint16_t id, size_t bytes)
{
    out[0] = 1;
    out[1] = type;
    out[2] = (unsigned char)(id >> 8);
    out[3] = (unsigned char)id;
    out[4] = (unsigned char)(bytes >> 8);
    out[5] = (unsigned char)bytes;
    out[6] = out[7] = 0;
}

static void out_record(connection_t *c, uint8_t type, const void *content, size_t bytes)
{
    put_header(c->out + c->out_have, type, c->id, bytes);
    memcpy(c->out + c->out_have + HEADER_BYTES, content, bytes);
    c->out_have += HEADER_BYTES + bytes;
}

/* Fill the output buffer with as much of the answer as it takes. */
static void out_fill(connection_t *c)
{
    c->out_have = c->out_used = 0;
    while (c->body_left && c->out_have + HEADER_BYTES + RECORD_BYTES <= OUT_BYTES) {
        size_t bytes = c->body_left < RECORD_BYTES ? (size_t)c->body_left : RECORD_BYTES;
        out_record(c, STDOUT, filler, bytes);
        c->body_left -= bytes;
    }
    if (!c->body_left && !c->end_is_written && c->out_have + 3 * HEADER_BYTES <= OUT_BYTES) {
        static const unsigned char complete[HEADER_BYTES];
        out_record(c, STDOUT, "", 0);
        out_record(c, END_REQUEST, complete, sizeof complete);
        c->end_is_written = true;
    }
}

/* The value of `name` in QUERY_STRING. */
static bool query_number(const char *query, size_t bytes, const char *name, uint64_t *number)
{
    size_t name_bytes = strlen(name);
    for (size_t at = 0; at + name_bytes < bytes; at++) {
        if ((at && query[at - 1] != '&') || memcmp(query + at, name, name_bytes)
            || query[at + name_bytes] != '=')
            continue;
        uint64_t n = 0;
        for (at += name_bytes + 1; at < bytes && query[at] >= '0' && query[at] <= '9'; at++)
            n = n * 10 + (uint64_t)(query[at] - '0');
        *number = n;
        return true;
    }
    return false;
}

static bool take_length(const unsigned char **at, const unsigned char *end, size_t *length)
{
    if (*at >= end)
        return false;
    if (**at < 128) {
        *length = *(*at)++;
        return true;
    }
    if (end - *at < 4)
        return false;
    const unsigned char *b = *at;
    *length = ((size_t)(b[0] & 0x7f) << 24) | ((size_t)b[1] << 16) | ((size_t)b[2] << 8) | b[3];
    *at += 4;
    return true;
}

static const char *find_query(const connection_t *c, size_t *bytes)
{
    const unsigned char *at = c->params, *end = c->params + c->params_have;
    size_t name_bytes, value_bytes;
    while (take_length(&at, end, &name_bytes) && take_length(&at, end, &value_bytes)
           && name_bytes + value_bytes <= (size_t)(end - at)) {
        if (name_bytes == 12 && !memcmp(at, "QUERY_STRING", 12)) {
            *bytes = value_bytes;
            return (const char *)at + name_bytes;
        }
        at += name_bytes + value_bytes;
    }
    *bytes = 0;
    return "";
}

static void answer_begin(connection_t *c, uint64_t bytes, bool is_count)
{
    char head[160], line[48] = "";
    size_t line_bytes = 0;
    if (is_count) {
        line_bytes =
            (size_t)snprintf(line, sizeof line, "%llu\n", (unsigned long long)c->stdin_bytes);
        bytes = line_bytes;
    }
    size_t head_bytes = (size_t)snprintf(
        head, sizeof head,
        "Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %llu\r\n\r\n",
        (unsigned long long)bytes);
    c->out_have = c->out_used = 0;
    c->end_is_written = false;
    c->phase = WRITING;

    unsigned char *first = c->out;
    size_t in_first = is_count        ? line_bytes
                      : bytes < 32768 ? (size_t)bytes
                                      : 32768;
    put_header(first, STDOUT, c->id, head_bytes + in_first);
    memcpy(first + HEADER_BYTES, head, head_bytes);
    memcpy(first + HEADER_BYTES + head_bytes, is_count ? (const void *)line : filler, in_first);
    c->out_have = HEADER_BYTES + head_bytes + in_first;
    c->body_left = bytes - in_first;
    if (!c->body_left) {
        static const unsigned char complete[HEADER_BYTES];
        out_record(c, STDOUT, "", 0);
        out_record(c, END_REQUEST, complete, sizeof complete);
        c->end_is_written = true;
    }
}

/* Decide what to answer to a whole request, and when. */
static void request_is_complete(connection_t *c)
{
    atomic_fetch_add(&counts->requests, 1);
    atomic_fetch_add(&counts->body_bytes, c->stdin_bytes);
    uint64_t bytes = default_bytes, ms = default_ms;
    size_t query_bytes;
    const char *query = find_query(c, &query_bytes);
    bool has_size = query_number(query, query_bytes, "bytes", &bytes);
    query_number(query, query_bytes, "ms", &ms);
    if (!ms) {
        answer_begin(c, bytes, c->stdin_bytes && !has_size);
        return;
    }
    c->body_left = bytes;
    c->end_is_written = c->stdin_bytes && !has_size;      /* kept here until the answer begins */
    c->due_ms = now_ms() + ms;
    c->phase = WAITING;
    waiting_add(c);
}

/* ---- The request ---- */

static bool take_content(connection_t *c, const unsigned char *content, size_t bytes)
{
    if (c->type == PARAMS) {
        if (c->params_have + bytes > c->params_space) {
            size_t space = (c->params_have + bytes) * 2;
            if (space > PARAMS_BYTES_MAX * 2)
                return false;
            unsigned char *larger = realloc(c->params, space);
            if (!larger)
                fail("memory");
            c->params = larger;
            c->params_space = space;
        }
        memcpy(c->params + c->params_have, content, bytes);
        c->params_have += bytes;
    }
    else if (c->type == STDIN)
        c->stdin_bytes += bytes;
    return true;
}

/* Use what was read, up to the end of one request.
 * returns  false when the connection makes no sense or is to be given up */
static bool parse(connection_t *c)
{
    while (c->phase == READING) {
        size_t have = c->in_have - c->in_used;
        if (c->content_left) {
            size_t bytes = have < c->content_left ? have : c->content_left;
            if (!bytes)
                break;
            if (!take_content(c, c->in + c->in_used, bytes))
                return false;
            c->in_used += bytes;
            c->content_left -= bytes;
            continue;
        }
        if (c->padding_left) {
            size_t bytes = have < c->padding_left ? have : c->padding_left;
            if (!bytes)
                break;
            c->in_used += bytes;
            c->padding_left -= bytes;
            continue;
        }
        if (have < HEADER_BYTES)
            break;
        const unsigned char *h = c->in + c->in_used;
        if (h[0] != 1)
            return false;
        size_t bytes = (size_t)h[4] << 8 | h[5];
        c->type = h[1];
        if (c->type == BEGIN_REQUEST) {
            if (have < 2 * HEADER_BYTES)
                break;
            c->id = (uint16_t)(h[2] << 8 | h[3]);
            c->keep = h[HEADER_BYTES + 2] & 1;
            c->params_have = 0;
            c->stdin_bytes = 0;
            request_begins(c);
        }
        else if (c->type == ABORT_REQUEST)
            return false;
        c->in_used += HEADER_BYTES;
        c->content_left = bytes;
        c->padding_left = h[6];
        if (c->type == STDIN && !bytes)
            request_is_complete(c);
    }
    if (c->in_used == c->in_have)
        c->in_used = c->in_have = 0;
    else if (c->in_used > IN_BYTES / 2) {
        memmove(c->in, c->in + c->in_used, c->in_have - c->in_used);
        c->in_have -= c->in_used;
        c->in_used = 0;
    }
    return true;
}

/* returns  false when the connection is over */
static bool read_some(connection_t *c)
{
    for (;;) {
        ssize_t got = read(c->fd, c->in + c->in_have, IN_BYTES - c->in_have);
        if (got < 0)
            return errno == EAGAIN || errno == EINTR;
        if (!got)
            return false;
        bool was_full = (size_t)got == IN_BYTES - c->in_have;
        c->in_have += (size_t)got;
        if (!parse(c))
            return false;
        if (c->phase != READING || !was_full)
            return true;
    }
}

/* returns  false when the connection is over */
static bool write_some(connection_t *c)
{
    while (c->phase == WRITING) {
        if (c->out_used == c->out_have) {
            if (c->end_is_written) {
                request_ends(c);
                if (!c->keep)
                    return false;
                c->phase = READING;
                return parse(c);
            }
            out_fill(c);
        }
        ssize_t sent = send(c->fd, c->out + c->out_used, c->out_have - c->out_used, MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN || errno == EINTR;
        c->out_used += (size_t)sent;
    }
    return true;
}

/* Go on until nothing can be done without waiting. */
static void advance(connection_t *c)
{
    bool goes_on = true;
    while (goes_on && c->phase == WRITING) {
        size_t used = c->out_used, have = c->out_have;
        goes_on = write_some(c);
        if (goes_on && c->phase == WRITING && c->out_used == used && c->out_have == have)
            break;
    }
    if (!goes_on) {
        connection_close(c);
        return;
    }
    watch(c, c->phase == WRITING   ? EPOLLOUT | EPOLLRDHUP
             : c->phase == WAITING ? EPOLLRDHUP
                                   : EPOLLIN | EPOLLRDHUP);
}

static void handle(connection_t *c, uint32_t events)
{
    bool goes_on = true;
    if (c->phase == WAITING)
        goes_on = !(events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
    else if (c->phase == READING)
        goes_on = read_some(c);
    else if (events & (EPOLLERR | EPOLLHUP))
        goes_on = false;
    if (!goes_on)
        connection_close(c);
    else
        advance(c);
}

static int answer_due(void)
{
    if (!first_due)
        return -1;
    uint64_t now = now_ms();
    while (first_due && first_due->due_ms <= now) {
        connection_t *c = first_due;
        waiting_remove(c);
        answer_begin(c, c->body_left, c->end_is_written);
        advance(c);
    }
    return first_due ? (int)(first_due->due_ms - now) : -1;
}

static void serve(void)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGUSR1, SIG_IGN);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event listening = { .events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = NULL };
    if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &listening))
        fail("epoll");
    for (;;) {
        struct epoll_event events[EVENTS_AT_ONCE];
        int n = epoll_wait(epoll_fd, events, EVENTS_AT_ONCE, answer_due());
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr)
                handle(events[i].data.ptr, events[i].events);
            else
                accept_all();
        }
    }
}

/* ---- The parent ---- */

static void on_signal(int number)
{
    if (number == SIGUSR1)
        must_print = 1;
    else
        must_end = 1;
}

static void print_counts(void)
{
    printf("requests %llu connections %llu cut %llu body_bytes %llu in_flight %lld peak %lld\n",
           (unsigned long long)counts->requests, (unsigned long long)counts->connections,
           (unsigned long long)counts->cut_requests, (unsigned long long)counts->body_bytes,
           (long long)counts->in_flight, (long long)counts->in_flight_peak);
    fflush(stdout);
}

static void listen_tcp(const char *where)
{
    const char *colon = strrchr(where, ':');
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    if (colon) {
        char address[64];
        snprintf(address, sizeof address, "%.*s", (int)(colon - where), where);
        if (inet_pton(AF_INET, address, &a.sin_addr) != 1) {
            fprintf(stderr, "fast_backend: bad address %s\n", address);
            exit(2);
        }
    }
    a.sin_port = htons((uint16_t)atoi(colon ? colon + 1 : where));
    listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int one = 1;
    setsockopt(listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listen_fd, (struct sockaddr *)&a, sizeof a) || listen(listen_fd, 4096))
        fail(where);
    socklen_t bytes = sizeof a;
    getsockname(listen_fd, (struct sockaddr *)&a, &bytes);
    printf("listening %d\n", ntohs(a.sin_port));
}

static void listen_unix(const char *path)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof a.sun_path) {
        fprintf(stderr, "fast_backend: path too long\n");
        exit(2);
    }
    strcpy(a.sun_path, path);
    unlink(path);
    listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bind(listen_fd, (struct sockaddr *)&a, sizeof a) || listen(listen_fd, 4096))
        fail(path);
    chmod(path, 0777);
    printf("listening %s\n", path);
}

int main(int argc, char **argv)
{
    int processes = 1, option;
    const char *tcp = "9000", *path = NULL;
    while ((option = getopt(argc, argv, "l:u:n:b:d:")) != -1) {
        switch (option) {
        case 'l': tcp = optarg; break;
        case 'u': path = optarg; break;
        case 'n': processes = atoi(optarg); break;
        case 'b': default_bytes = strtoull(optarg, NULL, 10); break;
        case 'd': default_ms = strtoull(optarg, NULL, 10); break;
        default:
            fprintf(stderr, "usage: %s [-l [address:]port | -u socket] [-n processes]"
                            " [-b bytes] [-d ms]\n",
                    argv[0]);
            return 2;
        }
    }
    if (processes < 1 || processes > PROCESSES_MAX)
        processes = 1;
    memset(filler, 'x', sizeof filler);
    memcpy(filler, "Hello, world\n", 13);
    counts = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (counts == MAP_FAILED)
        fail("mmap");
    if (path)
        listen_unix(path);
    else
        listen_tcp(tcp);
    fflush(stdout);

    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    pid_t children[PROCESSES_MAX];
    for (int i = 0; i < processes; i++) {
        children[i] = fork();
        if (children[i] < 0)
            fail("fork");
        if (!children[i]) {
            sigprocmask(SIG_SETMASK, &before, NULL);
            serve();
        }
    }
    struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    while (!must_end) {
        sigsuspend(&before);
        if (must_print)
            print_counts();
        must_print = 0;
    }
    for (int i = 0; i < processes; i++)
        kill(children[i], SIGTERM);
    for (int i = 0; i < processes; i++)
        waitpid(children[i], NULL, 0);
    print_counts();
    if (path)
        unlink(path);
    return 0;
}
