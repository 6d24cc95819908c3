/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* resolver.h - asks name servers for the addresses of names.
 * Knows    servers and tries, search lists, both families, SRV records and the hosts they name.
 * Ignores  balancers, members, what an answer means for them; /etc/hosts.
 * Memory   the caller's pool.
 * Threads  one for each resolution; waiting blocks, so never that of a request. */
#ifndef LB_RESOLVER_H
#define LB_RESOLVER_H

#include "dns_reply.h"
#include "resolver_settings.h"

typedef struct {
    lb_discover_t kind;
    const char *name;       /* with a dot at its end: no search list */
    uint16_t port;          /* LB_DISCOVER_A: of all addresses */
} lb_question_t;

typedef struct {
    char address[INET6_ADDRSTRLEN];
    uint16_t port;
    uint16_t priority, weight;      /* of SRV, else 0 */
    const char *target;             /* of SRV: the host's name, else NULL */
} lb_address_t;

typedef struct {
    lb_answer_kind_t kind;
    apr_array_header_t *addresses;      /* of lb_address_t: sorted, each address and port once */
    bool inet_failed, inet6_failed; /* RECORDS of one family, and nobody knows about the other */
    uint32_t ttl;                       /* s, the least of what counts; EMPTY: see RFC 2308, or 0 */
    const char *error;                  /* EMPTY, FAILED, one family failed: one word; else NULL */
    const char *name;                   /* that the answer is about: with its search domain */
    const char *server;                 /* who answered, or was asked last; NULL: nobody */
} lb_answer_t;

/* A question that is being asked. */
typedef struct lb_resolution lb_resolution_t;

/** Begin to ask.
 *  p        with its end, asking ends
 *  question its name lives as long as p
 *
 * A name is looked for with the next domain of the search list only when a server says that there
 * is none: after a failure, another domain's members would be wrong, and "there is none" too.
 *
 * LB_DISCOVER_A: records of one family are enough (inet_failed, inet6_failed): members do not
 * vanish because a server never answers for AAAA, and are found nevertheless.
 *
 * LB_DISCOVER_SRV: a host counts by its IPv4 addresses, by IPv6 only when it has no others, for one
 * host is one member. If nobody knows about one host, the answer has FAILED. */
lb_resolution_t *lb_resolver_begin(apr_pool_t *p, const lb_resolver_settings_t *settings,
                                   lb_question_t question);

/** Wait until something happens at one of them.
 *  p        for what is needed meanwhile
 *  stop_fd  when it is readable, the wait ends; -1: there is none
 *  at_most  us */
void lb_resolver_wait(apr_pool_t *p, lb_resolution_t *const open[], int count, int stop_fd,
                      apr_interval_time_t at_most);

/** Is all there that is to be known? */
bool lb_resolver_is_answered(const lb_resolution_t *resolution);

/** What is known.
 *  returns  in the resolution's pool; FAILED by "timeout", if it is not answered */
lb_answer_t lb_resolver_answer(const lb_resolution_t *resolution);

#endif
