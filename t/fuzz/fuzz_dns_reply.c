/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fuzz_dns_reply.c - any bytes as the reply to a query: records lie in the message, names are as a
 * plain reader reads them, and of what was read there is either a result or a reason for none.
 * Input    a byte: the type that was asked for; the message, from its third byte on (the two before
 *          are the number of the query, which nobody reads). */
#include "dns_reply.h"
#include "text_input.h"

enum { HEADER_BYTES = 12,
       TRUNCATED = 2 };

/* ---- A plain reader of names ----------------------------------------------------------------- */

static bool is_host_character(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-'
           || c == '_';
}

/* The rest of a name, one label or pointer in each call.
 * returns  false: it is none, or the text is longer than a name may be */
static bool read_plainly(fc_span_t in, size_t at, char *text, size_t count, unsigned pointers)
{
    if (at >= in.bytes || pointers > 127) {
        return false;
    }
    const unsigned length = in.at[at];
    if (length == 0) {
        text[count] = '\0';
        return true;
    }
    if (length >= 192) {
        const size_t to = at + 1 < in.bytes ? (length - 192) * 256u + in.at[at + 1] : at;
        return to < at && read_plainly(in, to, text, count, pointers + 1);
    }
    if (length >= 64 || length >= in.bytes - at || count + (count > 0) + length > 253) {
        return false;
    }
    if (count > 0) {
        text[count++] = '.';
    }
    for (unsigned i = 1; i <= length; i++) {
        const unsigned char c = in.at[at + i];
        if (!is_host_character(c)) {
            return false;
        }
        text[count++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    return read_plainly(in, at + 1 + length, text, count, pointers);
}

static void check_name(const lb_dns_message_t *message, size_t at)
{
    char name[LB_DNS_NAME_ROOM], plain[LB_DNS_NAME_ROOM];
    const bool is_name = lb_dns_message_name(message, at, name);

    assert(is_name == read_plainly(message->bytes, at, plain, 0, 0));
    assert(!is_name || strcmp(name, plain) == 0);
}

/* ---- Records --------------------------------------------------------------------------------- */

static void check_record(const lb_dns_message_t *message, const lb_dns_record_t *record)
{
    const fc_span_t all = message->bytes;
    lb_dns_srv_t srv;

    assert(record->owner >= HEADER_BYTES && record->owner < message->next);
    assert(record->data.at >= all.at && record->data.at <= all.at + all.bytes);
    assert(record->data.bytes <= (size_t)(all.at + all.bytes - record->data.at));
    assert(message->next <= all.bytes && record->ttl <= INT32_MAX);
    check_name(message, record->owner);
    if (record->type == LB_DNS_SRV && lb_dns_message_srv(message, record, &srv)) {
        assert(strlen(srv.target) < LB_DNS_NAME_ROOM);
    }
    if (record->type == LB_DNS_SOA) {
        assert(lb_dns_message_negative_ttl(record) <= record->ttl);
    }
}

/* returns  records of the answer section that have this type, -1: the message is malformed */
static int walk(fc_span_t bytes, uint16_t type)
{
    lb_dns_message_t message;
    lb_dns_record_t record;
    lb_dns_next_t next;
    int count = 0;

    if (!lb_dns_message_open(&message, bytes)) {
        return -1;
    }
    while ((next = lb_dns_message_next(&message, &record)) == LB_DNS_RECORD) {
        check_record(&message, &record);
        count += record.section == LB_DNS_ANSWER && record.type == type;
    }
    return next == LB_DNS_END ? count : -1;
}

/* ---- Replies --------------------------------------------------------------------------------- */

static void check_reply(const lb_dns_reply_t *reply, int records, uint16_t type)
{
    if (reply->kind == LB_ANSWER_FAILED) {
        assert(reply->error);
        return;
    }
    const int found = type == LB_DNS_SRV ? reply->services->nelts : reply->addresses->nelts;
    assert(records >= 0);
    assert((reply->kind == LB_ANSWER_RECORDS) == (reply->error == NULL));
    if (reply->kind == LB_ANSWER_RECORDS) {
        assert(found == records && found > 0);
    }
    assert(reply->ttl <= INT32_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint16_t types[] = { LB_DNS_A, LB_DNS_AAAA, LB_DNS_SRV };

    if (size == 0) {
        return 0;
    }
    const uint16_t type = types[data[0] % 3];
    unsigned char *message = malloc(size + 1);    /* of just its size: the type is no part of it */
    assert(message != NULL);
    memset(message, 0, 2);
    memcpy(message + 2, data + 1, size - 1);
    const fc_span_t bytes = fc_span(message, size + 1);
    const int records = walk(bytes, type);
    const lb_dns_reply_t *reply = lb_dns_reply_read(fuzz_pool(), bytes, type);
    check_reply(reply, records, type);
    assert(reply->kind == LB_ANSWER_FAILED || !(message[2] & TRUNCATED));
    free(message);
    return 0;
}
