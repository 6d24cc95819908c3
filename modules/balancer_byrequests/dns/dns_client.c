/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* dns_client.c - see dns_client.h. */

/* c-ares 1.28 and later would like ares_query_dnsrec() to be called, which parses replies itself
 * and which Debian 12 does not have; this is its own way to keep ares_query(). */
#define CARES_NO_DEPRECATED

#include "dns_client.h"

#include <ares.h>
#include <sys/time.h>

enum {
    CLASS_IN = 1,
    EDNS_BYTES = 1232    /* what passes everywhere without fragments (DNS flag day 2020) */
};

/* One server, asked for the first, second, ... time. */
typedef struct {
    lb_dns_client_t *client;
    const char *server;
    int timeout_ms;
    ares_channel channel;    /* NULL: not needed yet */
} attempt_t;

struct lb_dns_client {
    apr_pool_t *p;
    attempt_t *attempts;
    int attempt_count;
    apr_array_header_t *sockets;    /* of struct pollfd */
    apr_array_header_t *owners;     /* of attempt_t *, of the sockets */
    bool is_closing;
};

typedef struct {
    lb_dns_client_t *client;
    const char *name;
    uint16_t type;
    int attempt;
    lb_dns_client_done_t done;
    void *baton;
} query_t;

/* ---- Sockets --------------------------------------------------------------------------------- */

/* returns  -1: it is none of ours, or not any more */
static int find_socket(const lb_dns_client_t *client, int fd)
{
    for (int i = 0; i < client->sockets->nelts; i++) {
        if (APR_ARRAY_IDX(client->sockets, i, struct pollfd).fd == fd) {
            return i;
        }
    }
    return -1;
}

static void forget_socket(lb_dns_client_t *client, int at)
{
    APR_ARRAY_IDX(client->sockets, at, struct pollfd) =
        *(struct pollfd *)apr_array_pop(client->sockets);
    APR_ARRAY_IDX(client->owners, at, attempt_t *) = *(attempt_t **)apr_array_pop(client->owners);
}

/* c-ares says what a socket waits for; nothing: it is closed. */
static void note_socket(void *baton, ares_socket_t fd, int readable, int writable)
{
    attempt_t *attempt = baton;
    lb_dns_client_t *client = attempt->client;
    int at = find_socket(client, fd);

    if (!readable && !writable) {
        if (at >= 0) {
            forget_socket(client, at);
        }
        return;
    }
    if (at < 0) {
        at = client->sockets->nelts;
        apr_array_push(client->sockets);
        apr_array_push(client->owners);
    }
    APR_ARRAY_IDX(client->sockets, at, struct pollfd) = (struct pollfd){
        .fd = fd, .events = (short)((readable ? POLLIN : 0) | (writable ? POLLOUT : 0))
    };
    APR_ARRAY_IDX(client->owners, at, attempt_t *) = attempt;
}

/* ---- Queries --------------------------------------------------------------------------------- */

/* returns  false: c-ares does not take this server, or has no memory */
static bool open_channel(attempt_t *attempt)
{
    struct ares_options options = {
        .flags = ARES_FLAG_EDNS | ARES_FLAG_NOCHECKRESP,
        .timeout = attempt->timeout_ms,
        .tries = 1,
        .ednspsz = EDNS_BYTES,
        .sock_state_cb = note_socket,
        .sock_state_cb_data = attempt,
    };

    if (attempt->channel) {
        return true;
    }
    if (ares_init_options(&attempt->channel, &options,
                          ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ
                              | ARES_OPT_SOCK_STATE_CB)
        != ARES_SUCCESS) {
        attempt->channel = NULL;
        return false;
    }
    return ares_set_servers_ports_csv(attempt->channel, attempt->server) == ARES_SUCCESS;
}

/* Of queries without a reply. */
static const char *error_of(int status)
{
    switch (status) {
    case ARES_ETIMEOUT: return "timeout";
    case ARES_EBADRESP: return "malformed";
    case ARES_EBADNAME: return "bad_name";
    case ARES_ENOMEM:   return "no_memory";
    default:            return "unreachable";
    }
}

static void note_reply(void *baton, int status, int timeouts, unsigned char *bytes, int count);

static void send_query(query_t *query)
{
    attempt_t *attempt = &query->client->attempts[query->attempt];

    if (open_channel(attempt)) {
        ares_query(attempt->channel, query->name, CLASS_IN, query->type, note_reply, query);
    }
    else {
        note_reply(query, ARES_ECONNREFUSED, 0, NULL, 0);
    }
}

static void note_reply(void *baton, int status, int timeouts, unsigned char *bytes, int count)
{
    query_t *query = baton;
    lb_dns_client_t *client = query->client;

    if (client->is_closing) {
        return;
    }
    const fc_span_t message = fc_span(bytes, count > 0 ? (size_t)count : 0);
    lb_dns_reply_t *reply = message.bytes > 0
                                ? lb_dns_reply_read(client->p, message, query->type)
                                : lb_dns_reply_failed(client->p, error_of(status));
    if (reply->kind == LB_ANSWER_FAILED && query->attempt + 1 < client->attempt_count) {
        query->attempt++;
        send_query(query);
        return;
    }
    query->done(query->baton, reply, client->attempts[query->attempt].server);
}

void lb_dns_client_query(lb_dns_client_t *client, const char *name, uint16_t type,
                         lb_dns_client_done_t done, void *baton)
{
    query_t *query = apr_palloc(client->p, sizeof(*query));
    *query =
        (query_t){ .client = client, .name = name, .type = type, .done = done, .baton = baton };
    send_query(query);
}

/* ---- Waiting --------------------------------------------------------------------------------- */

apr_interval_time_t lb_dns_client_sockets(const lb_dns_client_t *client, apr_array_header_t *polled)
{
    apr_interval_time_t least = LB_DNS_CLIENT_IDLE;

    apr_array_cat(polled, client->sockets);
    for (int i = 0; i < client->attempt_count; i++) {
        struct timeval time;
        if (client->attempts[i].channel && ares_timeout(client->attempts[i].channel, NULL, &time)) {
            const apr_interval_time_t left = apr_time_from_sec(time.tv_sec) + time.tv_usec;
            least = left < least ? left : least;
        }
    }
    return least;
}

static void process_socket(const lb_dns_client_t *client, const struct pollfd *polled)
{
    const int at = polled->revents ? find_socket(client, polled->fd) : -1;

    if (at >= 0) {    /* else closed because of what another one had */
        ares_process_fd(APR_ARRAY_IDX(client->owners, at, attempt_t *)->channel,
                        polled->revents & ~POLLOUT ? polled->fd : ARES_SOCKET_BAD,
                        polled->revents & ~POLLIN ? polled->fd : ARES_SOCKET_BAD);
    }
}

static void process_timeouts(const lb_dns_client_t *client)
{
    for (int i = 0; i < client->attempt_count; i++) {
        if (client->attempts[i].channel) {
            ares_process_fd(client->attempts[i].channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        }
    }
}

void lb_dns_client_process(lb_dns_client_t *client, const struct pollfd *polled, int count)
{
    for (int i = 0; i < count; i++) {
        process_socket(client, &polled[i]);
    }
    process_timeouts(client);
}

/* ---- The client ------------------------------------------------------------------------------ */

static apr_status_t close_client(void *baton)
{
    lb_dns_client_t *client = baton;

    client->is_closing = true;
    for (int i = 0; i < client->attempt_count; i++) {
        if (client->attempts[i].channel) {
            ares_destroy(client->attempts[i].channel);
        }
    }
    return APR_SUCCESS;
}

lb_dns_client_t *lb_dns_client_open(apr_pool_t *p, const apr_array_header_t *servers,
                                    const lb_resolver_settings_t *settings)
{
    lb_dns_client_t *client = apr_palloc(p, sizeof(*client));

    *client = (lb_dns_client_t){
        .p = p,
        .attempt_count = servers->nelts * (1 + settings->retries),
        .sockets = apr_array_make(p, 4, sizeof(struct pollfd)),
        .owners = apr_array_make(p, 4, sizeof(attempt_t *)),
    };
    client->attempts = apr_palloc(p, (apr_size_t)client->attempt_count * sizeof(attempt_t));
    for (int i = 0; i < client->attempt_count; i++) {
        client->attempts[i] = (attempt_t){
            .client = client,
            .server = APR_ARRAY_IDX(servers, i % servers->nelts, const char *),
            .timeout_ms = (int)(settings->timeout / 1000) << i / servers->nelts,
        };
    }
    apr_pool_cleanup_register(p, client, close_client, apr_pool_cleanup_null);
    return client;
}
