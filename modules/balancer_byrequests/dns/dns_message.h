/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* dns_message.h - reads the records of a DNS message, one after the other.
 * Knows    the wire format (RFC 1035, 4.1; RFC 2782 for SRV) with compressed names.
 * Ignores  who asked for what, and whether it was answered: dns_reply.h.
 * Memory   borrows the message, keeps nothing.   Threads: any.
 *
 * Whatever stands in the message: nothing outside of it is read, and each call takes a bounded
 * number of steps. */
#ifndef LB_DNS_MESSAGE_H
#define LB_DNS_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "span.h"

/* Room for a name as text: 253 characters and a NUL (RFC 1035, 2.3.4). */
#define LB_DNS_NAME_ROOM 254

/* RFC 1035, 3.2.2; RFC 3596; RFC 2782 */
enum {
    LB_DNS_A = 1,
    LB_DNS_NS = 2,
    LB_DNS_SOA = 6,
    LB_DNS_AAAA = 28,
    LB_DNS_SRV = 33
};

/* RFC 1035, 4.1.1 */
enum {
    LB_DNS_NOERROR = 0,
    LB_DNS_FORMERR = 1,
    LB_DNS_SERVFAIL = 2,
    LB_DNS_NXDOMAIN = 3,
    LB_DNS_NOTIMP = 4,
    LB_DNS_REFUSED = 5
};

typedef enum {
    LB_DNS_ANSWER,
    LB_DNS_AUTHORITY,
    LB_DNS_ADDITIONAL,
    LB_DNS_SECTIONS
} lb_dns_section_t;

typedef struct {
    fc_span_t bytes;
    bool is_truncated;
    uint8_t rcode;
    size_t next;                        /* offset of the record that comes next */
    uint16_t left[LB_DNS_SECTIONS];     /* records not read yet */
} lb_dns_message_t;

typedef struct {
    lb_dns_section_t section;
    size_t owner;           /* offset of the name that it belongs to */
    uint16_t type;          /* 0: of another class than IN */
    uint32_t ttl;           /* s */
    fc_span_t data;         /* A: 4 bytes, AAAA: 16, SRV: at least 7, SOA: at least 22 */
} lb_dns_record_t;

typedef enum {
    LB_DNS_RECORD,          /* here is one */
    LB_DNS_END,             /* that was all */
    LB_DNS_MALFORMED        /* nothing in this message can be trusted */
} lb_dns_next_t;

/* RFC 2782 */
typedef struct {
    uint16_t priority, weight, port;
    char target[LB_DNS_NAME_ROOM];      /* as of lb_dns_message_name() */
} lb_dns_srv_t;

/** Begin to read a message.
 *  returns  false: it is no reply */
bool lb_dns_message_open(lb_dns_message_t *message, fc_span_t bytes);

/** The next record, in the order of the message.
 *  record   written only on LB_DNS_RECORD */
lb_dns_next_t lb_dns_message_next(lb_dns_message_t *message, lb_dns_record_t *record);

/** The name that begins at an offset: in lower case, "" for the root, without a dot at its end.
 *  returns  false: it is no name that a host or a service can have */
bool lb_dns_message_name(const lb_dns_message_t *message, size_t at, char name[LB_DNS_NAME_ROOM]);

/** What an SRV record says.
 *  returns  false: its target is no name */
bool lb_dns_message_srv(const lb_dns_message_t *message, const lb_dns_record_t *record,
                        lb_dns_srv_t *srv);

/** How long "there is none" holds by this SOA record, s (RFC 2308, 5). */
uint32_t lb_dns_message_negative_ttl(const lb_dns_record_t *soa);

#endif
