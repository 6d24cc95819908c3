/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* dns_text.h - writes DNS messages for tests, as plainly as it can be done: no compression.
 * Memory   the caller's struct.   Threads: any. */
#ifndef DNS_TEXT_H
#define DNS_TEXT_H

#include <arpa/inet.h>
#include <check.h>
#include <stdint.h>
#include <string.h>

#include "dns_message.h"

#define DNS_CNAME 5
#define DNS_TXT   16

typedef struct {
    unsigned char bytes[65535];
    size_t count;
} dns_text_t;

static inline void dns_put(dns_text_t *text, const void *bytes, size_t count)
{
    ck_assert(count <= sizeof(text->bytes) - text->count);
    memcpy(text->bytes + text->count, bytes, count);
    text->count += count;
}

static inline void dns_put_8(dns_text_t *text, unsigned number)
{
    const unsigned char byte = (unsigned char)number;
    dns_put(text, &byte, 1);
}

static inline void dns_put_16(dns_text_t *text, unsigned number)
{
    dns_put_8(text, number >> 8);
    dns_put_8(text, number & 255);
}

static inline void dns_put_32(dns_text_t *text, uint32_t number)
{
    dns_put_16(text, number >> 16);
    dns_put_16(text, number & 65535);
}

/* "a.b": labels as they are, without a dot at the end. */
static inline void dns_put_name(dns_text_t *text, const char *name)
{
    while (*name) {
        const size_t label = strcspn(name, ".");
        dns_put_8(text, (unsigned)label);
        dns_put(text, name, label);
        name += label + (name[label] == '.');
    }
    dns_put_8(text, 0);
}

/** A reply without records, to a question. */
static inline void dns_begin(dns_text_t *text, unsigned rcode, const char *name, unsigned type)
{
    text->count = 0;
    dns_put_16(text, 0x1234);
    dns_put_16(text, 0x8180 | rcode);   /* QR, RD, RA */
    dns_put_16(text, 1);
    dns_put(text, "\0\0\0\0\0\0", 6);
    dns_put_name(text, name);
    dns_put_16(text, type);
    dns_put_16(text, 1);
}

/** Begin a record; its data is written next, then dns_end_record(). */
static inline size_t dns_begin_record(dns_text_t *text, lb_dns_section_t section, const char *name,
                                      unsigned type, uint32_t ttl)
{
    unsigned char *count = text->bytes + 6 + 2 * section;
    const unsigned records = (unsigned)(count[0] << 8 | count[1]) + 1;

    count[0] = (unsigned char)(records >> 8);
    count[1] = (unsigned char)records;
    dns_put_name(text, name);
    dns_put_16(text, type);
    dns_put_16(text, 1);
    dns_put_32(text, ttl);
    dns_put_16(text, 0);
    return text->count;
}

static inline void dns_end_record(dns_text_t *text, size_t begin)
{
    const size_t count = text->count - begin;
    text->bytes[begin - 2] = (unsigned char)(count >> 8);
    text->bytes[begin - 1] = (unsigned char)count;
}

/** A or AAAA, by the look of the address. */
static inline void dns_add_address(dns_text_t *text, lb_dns_section_t section, const char *name,
                                   uint32_t ttl, const char *address)
{
    unsigned char bytes[16];
    const bool is_inet6 = strchr(address, ':');
    const size_t begin =
        dns_begin_record(text, section, name, is_inet6 ? LB_DNS_AAAA : LB_DNS_A, ttl);

    ck_assert_int_eq(inet_pton(is_inet6 ? AF_INET6 : AF_INET, address, bytes), 1);
    dns_put(text, bytes, is_inet6 ? 16 : 4);
    dns_end_record(text, begin);
}

static inline void dns_add_name(dns_text_t *text, lb_dns_section_t section, const char *name,
                                unsigned type, uint32_t ttl, const char *other)
{
    const size_t begin = dns_begin_record(text, section, name, type, ttl);
    dns_put_name(text, other);
    dns_end_record(text, begin);
}

static inline void dns_add_srv(dns_text_t *text, const char *name, uint32_t ttl, unsigned priority,
                               unsigned weight, unsigned port, const char *target)
{
    const size_t begin = dns_begin_record(text, LB_DNS_ANSWER, name, LB_DNS_SRV, ttl);
    dns_put_16(text, priority);
    dns_put_16(text, weight);
    dns_put_16(text, port);
    dns_put_name(text, target);
    dns_end_record(text, begin);
}

static inline void dns_add_soa(dns_text_t *text, const char *name, uint32_t ttl, uint32_t minimum)
{
    const size_t begin = dns_begin_record(text, LB_DNS_AUTHORITY, name, LB_DNS_SOA, ttl);
    dns_put_name(text, "ns.example");
    dns_put_name(text, "admin.example");
    dns_put(text, "\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4", 16);
    dns_put_32(text, minimum);
    dns_end_record(text, begin);
}

static inline fc_span_t dns_span(const dns_text_t *text)
{
    return fc_span(text->bytes, text->count);
}

#endif
