/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* dns_client.h - sends queries to name servers and waits for what they reply.
 * Knows    c-ares: UDP, TCP after a truncated reply, tries, sockets.
 * Ignores  search lists, and what is made of the replies: resolver.h.
 * Memory   the caller's pool; sockets and what c-ares has are gone with it.
 * Threads  one for each client.
 *
 * c-ares gets one server and one try at a time. Its own failover differs between versions, hides
 * what the last server said (1.18 calls a SERVFAIL a refused connection), and does not tell who
 * answered. No state of c-ares outlives the client: neither a socket nor a name server that has
 * moved. */
#ifndef LB_DNS_CLIENT_H
#define LB_DNS_CLIENT_H

#include <poll.h>

#include "dns_reply.h"
#include "resolver_settings.h"

typedef struct lb_dns_client lb_dns_client_t;

/** server  who replied; of a failure, who was asked last */
typedef void (*lb_dns_client_done_t)(void *baton, lb_dns_reply_t *reply, const char *server);

/** servers  of const char *, as of lb_resolver_settings_server(); not empty */
lb_dns_client_t *lb_dns_client_open(apr_pool_t *p, const apr_array_header_t *servers,
                                    const lb_resolver_settings_t *settings);

/** Ask for the records of a type of a name. Servers are asked in turn until one has an answer, even
 *  an empty one; each one once more for each retry.
 *  name     absolute; lives as long as the client
 *  done     called once, in here or in lb_dns_client_process(), unless the pool ends before */
void lb_dns_client_query(lb_dns_client_t *client, const char *name, uint16_t type,
                         lb_dns_client_done_t done, void *baton);

/** What it waits for: add its sockets to `polled`, of struct pollfd.
 *  returns  us until one of its tries runs out of time; LB_DNS_CLIENT_IDLE: none runs */
apr_interval_time_t lb_dns_client_sockets(const lb_dns_client_t *client,
                                          apr_array_header_t *polled);

#define LB_DNS_CLIENT_IDLE INT64_MAX

/** See to what has happened.
 *  polled   those that it has added, now with what poll() says */
void lb_dns_client_process(lb_dns_client_t *client, const struct pollfd *polled, int count);

#endif
