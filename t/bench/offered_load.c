/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* offered_load.c - a load that does not wait for its answers: an open loop of HTTP clients that
 * leave when their patience is over.
 *
 *   offered_load [options] PORT PATH
 *     -c NAME:RATE:HEADER     clients that arrive at RATE a second, each with one request;
 *     -l NAME:CLIENTS:HEADER  clients that ask again when they are answered (a closed loop), after
 *                             a second when they are refused;
 *                             both as often as wanted, counted by NAME; HEADER may be missing
 *     -d SECONDS              how long they come (30)
 *     -w SECONDS              how much of that does not count (0)
 *     -p MS                   their patience (2000)
 *     -a SECONDS:RATE         such a light load afterwards, to see when the server is itself again:
 *     -n MS                   when ten answers in a row took no longer than this (400)
 *     -f                      arrivals at a fixed pace, not by chance (Poisson)
 *
 * A latency counts from the moment at which a request was to come, not from the one at which it was
 * sent, so that nothing is left out when the machine is busy. Chance is the same in each run.
 * Prints lines of "name value" pairs, for scripts/bench:
 *   class NAME sent N served N refused N gave_up N failed N [p50_ms N p99_ms N]
 *   after recovered_ms N     from the end of the load to the first of those ten; -1: never
 *   pace late_ms N           the latest that a client came: a machine that is too busy */
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    CLASSES_MAX = 64,
    CLIENTS_MAX = 8192,
    LIGHT_MAX = 4096,
    EVENTS_MAX = 256
};
enum {
    RETRY_US = 1000000,
    IN_A_ROW = 10
};

#define STATUS_200 "HTTP/1.1 200"

/* What became of the requests of one name. */
typedef struct {
    const char *name;
    uint64_t sent, served, refused, gave_up, failed;
    double *latency_ms; /* of those served */
    size_t room;
} counts_t;

typedef struct {
    counts_t *counts;
    const char *header;
    double rate; /* 0: a closed loop */
    int clients;
    int64_t until, counted_from;
    int64_t next_at; /* open loop: the next arrival */
    unsigned short chance[3];
} class_t;

typedef struct {
    class_t *class; /* NULL: a free place */
    int fd;         /* -1: waits for `at` to ask again */
    int64_t at;     /* when it gives up, or asks again */
    int64_t scheduled;
    size_t light; /* its place in the light load */
    size_t got;
    char status[sizeof(STATUS_200) - 1];
} client_t;

typedef enum {
    SERVED,
    REFUSED,
    GAVE_UP,
    FAILED
} end_t;

/* A request of the light load. */
typedef struct {
    int64_t scheduled;
    bool was_normal;
} light_t;

static struct {
    class_t classes[CLASSES_MAX];
    counts_t counts[CLASSES_MAX];
    class_t afterwards;
    client_t clients[CLIENTS_MAX];
    light_t light[LIGHT_MAX]; /* as they were scheduled */
    size_t class_count, name_count, light_count;
    size_t highest; /* no client at this place or above */
    const char *path;
    int port, epoll;
    double seconds, warm_up, seconds_after;
    int64_t patience, normal, end, late;
    bool is_paced;
} load = { .seconds = 30, .patience = 2000000, .normal = 400000, .afterwards.header = "" };

static void usage(void)
{
    fputs("usage: offered_load [-c NAME:RATE:HEADER] [-l NAME:CLIENTS:HEADER] [-d SECONDS]"
          " [-w SECONDS] [-p MS] [-a SECONDS:RATE] [-n MS] [-f] PORT PATH\n",
          stderr);
    exit(2);
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- Counting -------------------------------------------------------------------------------- */

static counts_t *counts_of(const char *name)
{
    for (size_t i = 0; i < load.name_count; i++) {
        if (strcmp(load.counts[i].name, name) == 0) {
            return &load.counts[i];
        }
    }
    load.counts[load.name_count].name = name;
    return &load.counts[load.name_count++];
}

static void keep_latency(counts_t *counts, int64_t us)
{
    if (counts->served == counts->room) {
        counts->room = counts->room ? 2 * counts->room : 1024;
        counts->latency_ms = realloc(counts->latency_ms, counts->room * sizeof(double));
        if (!counts->latency_ms) {
            die("realloc");
        }
    }
    counts->latency_ms[counts->served++] = (double)us / 1e3;
}

static void count(const client_t *client, end_t end, int64_t now)
{
    const class_t *class = client->class;
    const int64_t took = now - client->scheduled;

    if (end == SERVED && took > load.patience) {
        end = GAVE_UP; /* read late */
    }
    if (class == &load.afterwards) {
        load.light[client->light].was_normal = end == SERVED && took <= load.normal;
        return;
    }
    if (client->scheduled < class->counted_from) {
        return;
    }
    class->counts->sent++;
    class->counts->refused += end == REFUSED;
    class->counts->gave_up += end == GAVE_UP;
    class->counts->failed += end == FAILED;
    if (end == SERVED) {
        keep_latency(class->counts, took);
    }
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_counts(counts_t *c)
{
    printf("class %s sent %ju served %ju refused %ju gave_up %ju failed %ju", c->name,
           (uintmax_t)c->sent, (uintmax_t)c->served, (uintmax_t)c->refused,
           (uintmax_t)c->gave_up, (uintmax_t)c->failed);
    if (c->served) {
        qsort(c->latency_ms, c->served, sizeof(double), by_size);
        printf(" p50_ms %.1f p99_ms %.1f", c->latency_ms[(c->served - 1) / 2],
               c->latency_ms[(c->served - 1) * 99 / 100]);
    }
    putchar('\n');
}

/* returns  from the end of the load to the first of enough normal answers in a row, -1: never */
static double recovered_ms(void)
{
    size_t in_a_row = 0;

    for (size_t i = 0; i < load.light_count; i++) {
        in_a_row = load.light[i].was_normal ? in_a_row + 1 : 0;
        if (in_a_row == IN_A_ROW) {
            const size_t first = i + 1 - IN_A_ROW;
            return first ? (double)(load.light[first].scheduled - load.end) / 1e3 : 0;
        }
    }
    return -1;
}

/* ---- Clients --------------------------------------------------------------------------------- */

/* The client is done with its request: it is gone, or asks again if its class is a closed loop. */
static void finish(client_t *client, end_t end, int64_t now)
{
    count(client, end, now);
    close(client->fd);
    client->fd = -1;
    client->at = end == SERVED ? now : now + RETRY_US;
    if (client->class->rate > 0 || client->at >= client->class->until) {
        client->class = NULL;
    }
}

static void ask(client_t *client, int64_t scheduled)
{
    const struct sockaddr_in server = { .sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)load.port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct epoll_event wanted = { .events = EPOLLOUT, .data.ptr = client };

    client->scheduled = scheduled;
    client->at = scheduled + load.patience;
    client->got = 0;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client->fd < 0 || epoll_ctl(load.epoll, EPOLL_CTL_ADD, client->fd, &wanted) != 0) {
        die("socket");
    }
    if (connect(client->fd, (const struct sockaddr *)&server, sizeof(server)) != 0
        && errno != EINPROGRESS) {
        finish(client, FAILED, now_us());
    }
}

static client_t *new_client(class_t *class)
{
    size_t place = 0;

    while (place < load.highest && load.clients[place].class) {
        place++;
    }
    if (place == CLIENTS_MAX) {
        fputs("offered_load: too many clients at once\n", stderr);
        exit(1);
    }
    load.highest = place == load.highest ? place + 1 : load.highest;
    load.clients[place] = (client_t){ .class = class, .fd = -1 };
    return &load.clients[place];
}

static void note_light_client(client_t *client, int64_t scheduled)
{
    if (load.light_count == LIGHT_MAX) {
        fputs("offered_load: the light load is too long\n", stderr);
        exit(1);
    }
    client->light = load.light_count;
    load.light[load.light_count++].scheduled = scheduled;
}

static void send_request(client_t *client)
{
    struct epoll_event wanted = { .events = EPOLLIN, .data.ptr = client };
    char request[2048];
    const int bytes = snprintf(request, sizeof(request),
                               "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                               "%s%s\r\n",
                               load.path, client->class->header,
                               *client->class->header ? "\r\n" : "");

    if (send(client->fd, request, (size_t)bytes, MSG_NOSIGNAL) != bytes) {
        finish(client, FAILED, now_us());
        return;
    }
    epoll_ctl(load.epoll, EPOLL_CTL_MOD, client->fd, &wanted);
}

/* The connection is closed after each answer: that is its end. */
static void read_answer(client_t *client)
{
    char some[16384];
    const ssize_t got = recv(client->fd, some, sizeof(some), 0);

    if (got > 0) {
        const size_t missing = sizeof(client->status) - client->got;
        const size_t taken = (size_t)got < missing ? (size_t)got : missing;
        memcpy(client->status + client->got, some, taken);
        client->got += taken;
        return;
    }
    if (got < 0 && errno == EAGAIN) {
        return;
    }
    if (got < 0 || client->got < sizeof(client->status)) {
        finish(client, FAILED, now_us());
        return;
    }
    finish(client,
           memcmp(client->status, STATUS_200, sizeof(client->status)) == 0 ? SERVED : REFUSED,
           now_us());
}

/* ---- Time ------------------------------------------------------------------------------------ */

/* Microseconds to the next arrival. */
static int64_t gap(class_t *class)
{
    const double mean = 1e6 / class->rate;
    return (int64_t)(load.is_paced ? mean : -mean * log(1 - erand48(class->chance)));
}

/* returns  when the next client comes, INT64_MAX when all have come */
static int64_t let_in(class_t *class, int64_t now)
{
    if (class->rate <= 0) {
        return INT64_MAX;
    }
    while (class->next_at <= now && class->next_at < class->until) {
        client_t *client = new_client(class);
        load.late = now - class->next_at > load.late ? now - class->next_at : load.late;
        if (class == &load.afterwards) {
            note_light_client(client, class->next_at);
        }
        ask(client, class->next_at);
        class->next_at += gap(class);
    }
    return class->next_at < class->until ? class->next_at : INT64_MAX;
}

static void act(client_t *client, int64_t now)
{
    if (client->fd >= 0) {
        finish(client, GAVE_UP, now);
    }
    else {
        ask(client, now);
    }
}

/* Does what is due. returns  when something is due next, INT64_MAX when all is over */
static int64_t do_what_is_due(int64_t now)
{
    int64_t next = let_in(&load.afterwards, now);

    for (size_t i = 0; i < load.class_count; i++) {
        const int64_t arrival = let_in(&load.classes[i], now);
        next = arrival < next ? arrival : next;
    }
    for (size_t i = 0; i < load.highest; i++) {
        client_t *client = &load.clients[i];
        if (client->class && client->at <= now) {
            act(client, now);
        }
        if (client->class && client->at < next) {
            next = client->at;
        }
    }
    return next;
}

static void run(void)
{
    struct epoll_event events[EVENTS_MAX];
    int64_t next;

    while ((next = do_what_is_due(now_us())) != INT64_MAX) {
        const int64_t left = next - now_us();
        const int ready = epoll_wait(load.epoll, events, EVENTS_MAX,
                                     left > 0 ? (int)((left + 999) / 1000) : 0);
        for (int i = 0; i < ready; i++) {
            client_t *client = events[i].data.ptr;
            if (events[i].events & EPOLLOUT) {
                send_request(client);
            }
            else {
                read_answer(client);
            }
        }
    }
}

/* ---- Command line ---------------------------------------------------------------------------- */

/* NAME:NUMBER:HEADER */
static void add_class(char *text, bool is_closed_loop)
{
    char *number = strchr(text, ':');
    char *header = number ? strchr(number + 1, ':') : NULL;

    if (!number || atof(number + 1) <= 0 || load.class_count == CLASSES_MAX) {
        usage();
    }
    *number++ = '\0';
    if (header) {
        *header++ = '\0';
    }
    class_t *class = &load.classes[load.class_count++];
    class->counts = counts_of(text);
    class->chance[0] = (unsigned short)load.class_count;
    class->header = header ? header : "";
    class->rate = is_closed_loop ? 0 : atof(number);
    class->clients = is_closed_loop ? atoi(number) : 0;
}

static void read_options(int argc, char **argv)
{
    for (int option; (option = getopt(argc, argv, "c:l:d:w:p:a:n:f")) != -1;) {
        switch (option) {
        case 'c': add_class(optarg, false); break;
        case 'l': add_class(optarg, true); break;
        case 'd': load.seconds = atof(optarg); break;
        case 'w': load.warm_up = atof(optarg); break;
        case 'p': load.patience = (int64_t)(1000 * atof(optarg)); break;
        case 'n': load.normal = (int64_t)(1000 * atof(optarg)); break;
        case 'f': load.is_paced = true; break;
        case 'a':
            if (sscanf(optarg, "%lf:%lf", &load.seconds_after, &load.afterwards.rate) != 2) {
                usage();
            }
            break;
        default: usage();
        }
    }
    if (argc - optind != 2 || !load.class_count) {
        usage();
    }
    load.port = atoi(argv[optind]);
    load.path = argv[optind + 1];
}

static int64_t us(double seconds)
{
    return (int64_t)(1e6 * seconds);
}

static void set_time(class_t *class, int64_t from, double seconds)
{
    class->until = from + us(seconds);
    class->counted_from = from + us(load.warm_up);
    class->next_at = from + (class->rate > 0 ? gap(class) : 0);
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (load.epoll < 0) {
        die("epoll_create1");
    }
    const int64_t began = now_us();
    load.end = began + us(load.seconds);
    set_time(&load.afterwards, load.end, load.seconds_after);
    for (size_t i = 0; i < load.class_count; i++) {
        class_t *class = &load.classes[i];
        set_time(class, began, load.seconds);
        for (int n = 0; n < class->clients; n++) {
            ask(new_client(class), began);
        }
    }
    run();
    for (size_t i = 0; i < load.name_count; i++) {
        print_counts(&load.counts[i]);
    }
    if (load.seconds_after > 0) {
        printf("after recovered_ms %.0f\n", recovered_ms());
    }
    printf("pace late_ms %.1f\n", (double)load.late / 1e3);
    return 0;
}
