/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* dns_reply.h - what a name server's reply to one query comes to.
 * Knows    which records count, what "there is none" looks like, what cannot be trusted.
 * Ignores  the network, and what is made of several replies: resolver.h.
 * Memory   the caller's pool; the message is not needed afterwards.   Threads: any, no state. */
#ifndef LB_DNS_REPLY_H
#define LB_DNS_REPLY_H

#include <netinet/in.h>

#include "apr_hash.h"
#include "apr_tables.h"
#include "discovery_rules.h"
#include "dns_message.h"

typedef struct {
    lb_answer_kind_t kind;
    const char *error;                  /* EMPTY, FAILED: one word */
    uint32_t ttl;                       /* s, the least that counts; EMPTY: see RFC 2308, or 0 */
    apr_array_header_t *addresses;      /* of A and AAAA: const char *, numeric */
    apr_array_header_t *services;       /* of SRV: lb_dns_srv_t */
    apr_hash_t *hosts;                  /* of SRV: name -> lb_host_t, from the additional section */
} lb_dns_reply_t;

/* The addresses of a host. */
typedef struct {
    apr_array_header_t *inet, *inet6;   /* of const char *, numeric */
    uint32_t ttl;                       /* s, the least */
} lb_host_t;

/** Read a reply.
 *  type     what was asked for: LB_DNS_A, LB_DNS_AAAA or LB_DNS_SRV */
lb_dns_reply_t *lb_dns_reply_read(apr_pool_t *p, fc_span_t message, uint16_t type);

/** A reply that never came, or is worth nothing. */
lb_dns_reply_t *lb_dns_reply_failed(apr_pool_t *p, const char *error);

#endif
