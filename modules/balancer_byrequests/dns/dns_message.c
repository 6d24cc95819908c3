/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* dns_message.c - see dns_message.h. */
#include "dns_message.h"

#include <ctype.h>

enum {
    HEADER_BYTES = 12,
    FLAG_REPLY = 0x80,          /* in byte 2 */
    FLAG_TRUNCATED = 0x02,
    RCODE_MASK = 0x0f,          /* in byte 3 */
    QUESTION_BYTES = 4,         /* behind its name: type, class */
    RECORD_BYTES = 10,          /* behind its name: type, class, TTL, length */
    CLASS_IN = 1,
    LABEL_MAX = 63,
    POINTER_MASK = 0xc0,
    POINTERS_MAX = 127          /* a name has no more labels */
};

static unsigned get_16(const unsigned char *at)
{
    return (unsigned)(at[0] << 8 | at[1]);
}

static uint32_t get_32(const unsigned char *at)
{
    return (uint32_t)get_16(at) << 16 | get_16(at + 2);
}

static bool is_pointer(unsigned char length)
{
    return (length & POINTER_MASK) == POINTER_MASK;
}

static bool has(fc_span_t bytes, size_t at, size_t count)
{
    return at <= bytes.bytes && count <= bytes.bytes - at;
}

/* Behind a name; pointers are not followed, so it may be none.
 * returns  false: it leaves the message, or has a label that is no label */
static bool skip_name(fc_span_t bytes, size_t *at)
{
    while (has(bytes, *at, 1)) {
        const unsigned char length = bytes.at[*at];

        if (is_pointer(length)) {
            *at += 2;
            return *at <= bytes.bytes;
        }
        if (length > LABEL_MAX) {
            return false;
        }
        *at += 1u + length;
        if (length == 0) {
            return true;
        }
    }
    return false;
}

bool lb_dns_message_open(lb_dns_message_t *message, fc_span_t bytes)
{
    if (bytes.bytes < HEADER_BYTES || !(bytes.at[2] & FLAG_REPLY)) {
        return false;
    }
    *message = (lb_dns_message_t){
        .bytes = bytes,
        .is_truncated = bytes.at[2] & FLAG_TRUNCATED,
        .rcode = bytes.at[3] & RCODE_MASK,
        .next = HEADER_BYTES,
        .left = { (uint16_t)get_16(bytes.at + 6), (uint16_t)get_16(bytes.at + 8),
                  (uint16_t)get_16(bytes.at + 10) },
    };
    for (unsigned questions = get_16(bytes.at + 4); questions > 0; questions--) {
        if (!skip_name(bytes, &message->next) || !has(bytes, message->next, QUESTION_BYTES)) {
            return false;
        }
        message->next += QUESTION_BYTES;
    }
    return true;
}

/* Does the data have the size that its type demands? */
static bool has_fitting_data(const lb_dns_record_t *record)
{
    switch (record->type) {
    case LB_DNS_A:    return record->data.bytes == 4;
    case LB_DNS_AAAA: return record->data.bytes == 16;
    case LB_DNS_SRV:  return record->data.bytes >= 6 + 1;
    case LB_DNS_SOA:  return record->data.bytes >= 1 + 1 + 20;
    default:          return true;
    }
}

static bool read_record(fc_span_t bytes, size_t *at, lb_dns_record_t *record)
{
    record->owner = *at;
    if (!skip_name(bytes, at) || !has(bytes, *at, RECORD_BYTES)) {
        return false;
    }
    const unsigned char *fields = bytes.at + *at;
    const size_t count = get_16(fields + 8);

    record->type = get_16(fields + 2) == CLASS_IN ? (uint16_t)get_16(fields) : 0;
    record->ttl = get_32(fields + 4);
    if (record->ttl > INT32_MAX) {
        record->ttl = 0;    /* RFC 2181, 8 */
    }
    *at += RECORD_BYTES;
    if (!has(bytes, *at, count)) {
        return false;
    }
    record->data = fc_span(bytes.at + *at, count);
    *at += count;
    return has_fitting_data(record);
}

lb_dns_next_t lb_dns_message_next(lb_dns_message_t *message, lb_dns_record_t *record)
{
    for (int section = LB_DNS_ANSWER; section < LB_DNS_SECTIONS; section++) {
        if (message->left[section] == 0) {
            continue;
        }
        lb_dns_record_t read = { .section = (lb_dns_section_t)section };
        if (!read_record(message->bytes, &message->next, &read)) {
            return LB_DNS_MALFORMED;
        }
        message->left[section]--;
        *record = read;
        return LB_DNS_RECORD;
    }
    return LB_DNS_END;
}

/* Letters and digits, '-', and '_' as services have it (RFC 2782); a dot behind them.
 * returns  how many characters were written; 0: the label has others, or there is no room */
static size_t copy_label(const unsigned char *label, size_t bytes, char *to, size_t room)
{
    if (bytes >= room) {
        return 0;
    }
    for (size_t i = 0; i < bytes; i++) {
        if (label[i] > 127 || (!isalnum(label[i]) && label[i] != '-' && label[i] != '_')) {
            return 0;
        }
        to[i] = (char)tolower(label[i]);
    }
    to[bytes] = '.';
    return bytes + 1;
}

/* Follow the pointer at an offset. It leads backwards; a circle of pointers and labels ends at the
 * limit of pointers, or of the name. */
static bool follow(fc_span_t bytes, size_t *at, int *pointers)
{
    const size_t from = *at;

    if (!has(bytes, from, 2) || ++*pointers > POINTERS_MAX) {
        return false;
    }
    *at = get_16(bytes.at + from) & ~(unsigned)(POINTER_MASK << 8);
    return *at < from;
}

bool lb_dns_message_name(const lb_dns_message_t *message, size_t at, char name[LB_DNS_NAME_ROOM])
{
    const fc_span_t bytes = message->bytes;
    size_t written = 0;
    int pointers = 0;

    while (has(bytes, at, 1)) {
        const unsigned char length = bytes.at[at];

        if (is_pointer(length)) {
            if (!follow(bytes, &at, &pointers)) {
                return false;
            }
            continue;
        }
        if (length > LABEL_MAX || !has(bytes, at + 1, length)) {
            return false;
        }
        if (length == 0) {
            name[written > 0 ? written - 1 : 0] = '\0';    /* over the last dot */
            return true;
        }
        const size_t copied = copy_label(bytes.at + at + 1, length, name + written,
                                         LB_DNS_NAME_ROOM - written);
        if (copied == 0) {
            return false;
        }
        written += copied;
        at += 1u + length;
    }
    return false;
}

bool lb_dns_message_srv(const lb_dns_message_t *message, const lb_dns_record_t *record,
                        lb_dns_srv_t *srv)
{
    const size_t target = (size_t)(record->data.at - message->bytes.at) + 6;
    size_t end = target;

    srv->priority = (uint16_t)get_16(record->data.at);
    srv->weight = (uint16_t)get_16(record->data.at + 2);
    srv->port = (uint16_t)get_16(record->data.at + 4);
    return skip_name(message->bytes, &end) && end == target - 6 + record->data.bytes
           && lb_dns_message_name(message, target, srv->target);
}

uint32_t lb_dns_message_negative_ttl(const lb_dns_record_t *soa)
{
    const uint32_t minimum = get_32(soa->data.at + soa->data.bytes - 4);
    return minimum < soa->ttl ? minimum : soa->ttl;
}
