/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* dns_reply.c - see dns_reply.h. */
#include "dns_reply.h"

#include <arpa/inet.h>

#include "apr_strings.h"

/* What is seen of a message on the way through. */
typedef struct {
    apr_pool_t *p;
    uint16_t type;
    lb_dns_reply_t *reply;
    bool has_answer, has_soa, has_ns;
    uint32_t answer_ttl, negative_ttl;
} reading_t;

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

lb_dns_reply_t *lb_dns_reply_failed(apr_pool_t *p, const char *error)
{
    lb_dns_reply_t *reply = apr_pcalloc(p, sizeof(*reply));
    reply->kind = LB_ANSWER_FAILED;
    reply->error = error;
    return reply;
}

static const char *address_of(apr_pool_t *p, const lb_dns_record_t *record)
{
    char text[INET6_ADDRSTRLEN];
    const int family = record->type == LB_DNS_A ? AF_INET : AF_INET6;
    return apr_pstrdup(p, inet_ntop(family, record->data.at, text, sizeof(text)));
}

/* Records of the answer section count whomever they belong to: names stand there for each other
 * (CNAME, DNAME). The TTLs of these count as well. */
static bool take_answer(reading_t *reading, const lb_dns_message_t *message,
                        const lb_dns_record_t *record)
{
    lb_dns_reply_t *reply = reading->reply;

    reading->has_answer = true;
    reading->answer_ttl = least(reading->answer_ttl, record->ttl);
    if (record->type != reading->type) {
        return true;
    }
    reply->kind = LB_ANSWER_RECORDS;
    if (record->type == LB_DNS_SRV) {
        return lb_dns_message_srv(message, record, apr_array_push(reply->services));
    }
    APR_ARRAY_PUSH(reply->addresses, const char *) = address_of(reading->p, record);
    return true;
}

static lb_host_t *host_of(const reading_t *reading, const char *name)
{
    lb_host_t *host = apr_hash_get(reading->reply->hosts, name, APR_HASH_KEY_STRING);

    if (!host) {
        host = apr_palloc(reading->p, sizeof(*host));
        *host = (lb_host_t){ .inet = apr_array_make(reading->p, 1, sizeof(const char *)),
                             .inet6 = apr_array_make(reading->p, 1, sizeof(const char *)),
                             .ttl = UINT32_MAX };
        apr_hash_set(reading->reply->hosts, apr_pstrdup(reading->p, name), APR_HASH_KEY_STRING,
                     host);
    }
    return host;
}

/* Addresses of the hosts that SRV records name. */
static void take_additional(const reading_t *reading, const lb_dns_message_t *message,
                            const lb_dns_record_t *record)
{
    char name[LB_DNS_NAME_ROOM];

    if ((record->type != LB_DNS_A && record->type != LB_DNS_AAAA)
        || !lb_dns_message_name(message, record->owner, name)) {
        return;
    }
    lb_host_t *host = host_of(reading, name);
    apr_array_header_t *addresses = record->type == LB_DNS_A ? host->inet : host->inet6;
    APR_ARRAY_PUSH(addresses, const char *) = address_of(reading->p, record);
    host->ttl = least(host->ttl, record->ttl);
}

static void take_authority(reading_t *reading, const lb_dns_record_t *record)
{
    if (record->type == LB_DNS_SOA) {
        reading->has_soa = true;
        reading->negative_ttl = lb_dns_message_negative_ttl(record);
    }
    reading->has_ns |= record->type == LB_DNS_NS;
}

/* returns  false: it is malformed */
static bool take_records(reading_t *reading, lb_dns_message_t *message)
{
    lb_dns_record_t record;
    lb_dns_next_t next;

    while ((next = lb_dns_message_next(message, &record)) == LB_DNS_RECORD) {
        if (record.section == LB_DNS_ANSWER) {
            if (!take_answer(reading, message, &record)) {
                return false;
            }
        }
        else if (record.section == LB_DNS_AUTHORITY) {
            take_authority(reading, &record);
        }
        else if (reading->type == LB_DNS_SRV) {
            take_additional(reading, message, &record);
        }
    }
    return next == LB_DNS_END;
}

/* returns  NULL: the server did as it was asked */
static const char *error_of(uint8_t rcode)
{
    switch (rcode) {
    case LB_DNS_NOERROR:
    case LB_DNS_NXDOMAIN: return NULL;
    case LB_DNS_FORMERR:  return "formerr";
    case LB_DNS_NOTIMP:   return "notimp";
    case LB_DNS_REFUSED:  return "refused";
    default:              return "servfail";
    }
}

/* No record of the type. A server that names others to ask (NS), or a name that this one stands for
 * (CNAME), and no zone that would have the record (SOA) does not know: it is no resolver, or not
 * for this name (RFC 2308, 2.2). */
static lb_dns_reply_t *empty(const reading_t *reading, uint8_t rcode)
{
    const bool names_another = reading->has_answer || reading->has_ns;

    if (rcode == LB_DNS_NOERROR && names_another && !reading->has_soa) {
        return lb_dns_reply_failed(reading->p, "referral");
    }
    reading->reply->kind = LB_ANSWER_EMPTY;
    reading->reply->error = rcode == LB_DNS_NXDOMAIN ? "nxdomain" : "no_data";
    reading->reply->ttl = reading->has_soa ? reading->negative_ttl : 0;
    return reading->reply;
}

static lb_dns_reply_t *new_reply(apr_pool_t *p)
{
    lb_dns_reply_t *reply = apr_pcalloc(p, sizeof(*reply));
    reply->kind = LB_ANSWER_EMPTY;
    reply->addresses = apr_array_make(p, 16, sizeof(const char *));
    reply->services = apr_array_make(p, 16, sizeof(lb_dns_srv_t));
    reply->hosts = apr_hash_make(p);
    return reply;
}

lb_dns_reply_t *lb_dns_reply_read(apr_pool_t *p, fc_span_t bytes, uint16_t type)
{
    reading_t reading = { .p = p, .type = type, .reply = new_reply(p), .answer_ttl = UINT32_MAX };
    lb_dns_message_t message;

    if (!lb_dns_message_open(&message, bytes)) {
        return lb_dns_reply_failed(p, "malformed");
    }
    if (error_of(message.rcode)) {
        return lb_dns_reply_failed(p, error_of(message.rcode));
    }
    if (message.is_truncated) {
        return lb_dns_reply_failed(p, "truncated");
    }
    if (!take_records(&reading, &message)) {
        return lb_dns_reply_failed(p, "malformed");
    }
    if (message.rcode == LB_DNS_NXDOMAIN || reading.reply->kind != LB_ANSWER_RECORDS) {
        return empty(&reading, message.rcode);
    }
    reading.reply->ttl = reading.answer_ttl;
    return reading.reply;
}
