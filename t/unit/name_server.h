/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* name_server.h - a name server for tests, on a port of 127.0.0.1, that says what a function says.
 * Knows    UDP and TCP, one question in each query.
 * Memory   one static text for each server: it is started once.   Threads: one of its own. */
#ifndef NAME_SERVER_H
#define NAME_SERVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dns_text.h"
#include "processes.h"

/** Write a reply to a question into `reply`, which is begun with NOERROR.
 *  returns  false: no reply */
typedef bool (*name_server_script_t)(dns_text_t *reply, const char *name, unsigned type,
                                     bool is_tcp);

typedef struct {
    name_server_script_t script;
    int udp, tcp, port;
    char address[24];                   /* 127.0.0.1:port */
    atomic_uint udp_queries, tcp_queries;
    dns_text_t udp_reply, tcp_reply;
} name_server_t;

static inline void set_rcode(dns_text_t *reply, unsigned rcode)
{
    reply->bytes[3] = (unsigned char)((reply->bytes[3] & 0xf0) | rcode);
}

/* returns  whether there is a reply */
static inline bool name_server_reply(const name_server_t *server, dns_text_t *reply,
                                     const unsigned char *query, size_t bytes, bool is_tcp)
{
    lb_dns_message_t message = { .bytes = fc_span(query, bytes) };
    char name[LB_DNS_NAME_ROOM];

    MUST(bytes > 12 && lb_dns_message_name(&message, 12, name));
    const size_t end = 12 + strlen(name) + 2;
    const unsigned type = (unsigned)(query[end] << 8 | query[end + 1]);
    dns_begin(reply, 0, name, type);
    memcpy(reply->bytes, query, 2);
    memcpy(reply->bytes + 12, query + 12, end + 4 - 12);    /* in the letters of the query */
    return server->script(reply, name, type, is_tcp);
}

static inline void *name_server_udp(void *baton)
{
    name_server_t *server = baton;
    unsigned char query[1500];
    struct sockaddr_in from;
    socklen_t size = sizeof(from);
    ssize_t bytes;

    while ((bytes = recvfrom(server->udp, query, sizeof(query), 0, (struct sockaddr *)&from, &size))
           > 0) {
        server->udp_queries++;
        if (name_server_reply(server, &server->udp_reply, query, (size_t)bytes, false)) {
            sendto(server->udp, server->udp_reply.bytes, server->udp_reply.count, 0,
                   (struct sockaddr *)&from, size);
        }
    }
    return NULL;
}

static inline bool read_all(int fd, unsigned char *bytes, size_t count)
{
    ssize_t got = 0;
    for (size_t at = 0; at < count; at += (size_t)got) {
        got = read(fd, bytes + at, count - at);
        if (got <= 0) {
            return false;
        }
    }
    return true;
}

/* A connection may have many queries, one after the other. */
static inline void name_server_serve(name_server_t *server, int fd)
{
    unsigned char length[2], query[1500];
    dns_text_t *reply = &server->tcp_reply;

    while (read_all(fd, length, 2) && read_all(fd, query, (size_t)length[1])) {
        server->tcp_queries++;
        if (name_server_reply(server, reply, query, (size_t)length[1], true)) {
            length[0] = (unsigned char)(reply->count >> 8);
            length[1] = (unsigned char)reply->count;
            if (write(fd, length, 2) != 2
                || write(fd, reply->bytes, reply->count) != (ssize_t)reply->count) {
                return;    /* the client did not wait for it */
            }
        }
    }
}

static inline void *name_server_tcp(void *baton)
{
    name_server_t *server = baton;
    int fd;

    while ((fd = accept(server->tcp, NULL, NULL)) >= 0) {
        name_server_serve(server, fd);
        close(fd);
    }
    return NULL;
}

static inline int name_server_bind(int type, int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                   .sin_port = htons((uint16_t)port) };
    const int fd = socket(AF_INET, type, 0);

    MUST(fd >= 0);
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
        return fd;
    }
    close(fd);
    return -1;
}

/* UDP and TCP have the same port, and somebody else may have one of them. */
static inline void name_server_open(name_server_t *server)
{
    struct sockaddr_in address;
    socklen_t size = sizeof(address);

    do {
        server->udp = name_server_bind(SOCK_DGRAM, 0);
        MUST(server->udp >= 0
             && getsockname(server->udp, (struct sockaddr *)&address, &size) == 0);
        server->port = ntohs(address.sin_port);
        server->tcp = name_server_bind(SOCK_STREAM, server->port);
        if (server->tcp < 0) {
            close(server->udp);
        }
    } while (server->tcp < 0);
    MUST(listen(server->tcp, 16) == 0);
}

/** Start a server; it ends with the process. */
static inline void name_server_start(name_server_t *server, name_server_script_t script)
{
    pthread_t udp, tcp;

    server->script = script;
    name_server_open(server);
    snprintf(server->address, sizeof(server->address), "127.0.0.1:%d", server->port);
    MUST(pthread_create(&udp, NULL, name_server_udp, server) == 0);
    MUST(pthread_create(&tcp, NULL, name_server_tcp, server) == 0);
    pthread_detach(udp);
    pthread_detach(tcp);
}

#endif
