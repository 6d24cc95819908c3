/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* trace_context.c - see trace_context.h. */
#include "trace_context.h"

#include <string.h>

/* Where the fields of version 00 are: 00-<trace id>-<span id>-<flags> */
#define TRACE_ID_AT 3
#define SPAN_ID_AT  36
#define FLAGS_AT    53

#define VERSION_INVALID 0xff
#define FLAG_SAMPLED    0x01

#define MEMBERS_MAX       32
#define MEMBER_LONG       128    /* over this, a member is left out before others */
#define VALUE_MAX         256
#define SIMPLE_KEY_MAX    256
#define TENANT_KEY_MAX    241    /* of tenant@system */
#define SYSTEM_KEY_MAX    14

/* ---- Hexadecimal ----------------------------------------------------------------------------- */

/* The digits of all bytes, 00 to ff: each request has ids to write. */
#define WITH(high)                                                                               \
    high "0" high "1" high "2" high "3" high "4" high "5" high "6" high "7"                      \
    high "8" high "9" high "a" high "b" high "c" high "d" high "e" high "f"
static const char all_bytes[] =
    WITH("0") WITH("1") WITH("2") WITH("3") WITH("4") WITH("5") WITH("6") WITH("7")
        WITH("8") WITH("9") WITH("a") WITH("b") WITH("c") WITH("d") WITH("e") WITH("f");

/* returns  0 to 15; -1: no digit. Upper-case ones are none. */
static int digit_value(unsigned char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                                                 : -1;
}

static bool read_hex(unsigned char *bytes, const unsigned char *text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const int high = digit_value(text[2 * i]), low = digit_value(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        bytes[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

void fcgi_trace_context_hex(char *out, const unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        memcpy(out + 2 * i, all_bytes + 2 * bytes[i], 2);
    }
    out[2 * count] = '\0';
}

/* ---- traceparent ----------------------------------------------------------------------------- */

static bool is_zero(const unsigned char *bytes, size_t count)
{
    while (count > 0 && bytes[count - 1] == 0) {
        count--;
    }
    return count == 0;
}

/* Version 00 ends with its flags; a later one may go on behind a dash. */
static bool has_right_length(fc_span_t header, unsigned char version)
{
    return header.bytes == FCGI_TRACEPARENT_BYTES
           || (version > 0 && header.bytes > FCGI_TRACEPARENT_BYTES
               && header.at[FCGI_TRACEPARENT_BYTES] == '-');
}

bool fcgi_trace_context_read(fcgi_trace_context_t *context, fc_span_t header)
{
    const unsigned char *at = header.at;
    fcgi_trace_context_t read;
    unsigned char version, flags;

    if (header.bytes < FCGI_TRACEPARENT_BYTES || !read_hex(&version, at, 1)
        || version == VERSION_INVALID || !has_right_length(header, version)
        || at[TRACE_ID_AT - 1] != '-' || at[SPAN_ID_AT - 1] != '-' || at[FLAGS_AT - 1] != '-'
        || !read_hex(read.trace_id, at + TRACE_ID_AT, FCGI_TRACE_ID_BYTES)
        || !read_hex(read.span_id, at + SPAN_ID_AT, FCGI_SPAN_ID_BYTES)
        || !read_hex(&flags, at + FLAGS_AT, 1) || is_zero(read.trace_id, FCGI_TRACE_ID_BYTES)
        || is_zero(read.span_id, FCGI_SPAN_ID_BYTES)) {
        return false;
    }
    read.is_sampled = (flags & FLAG_SAMPLED) != 0;
    *context = read;
    return true;
}

void fcgi_trace_context_write(const char trace_id[2 * FCGI_TRACE_ID_BYTES],
                              const char span_id[2 * FCGI_SPAN_ID_BYTES], bool is_sampled,
                              char out[FCGI_TRACEPARENT_BYTES + 1])
{
    static const char version[TRACE_ID_AT] = { '0', '0', '-' };

    memcpy(out, version, sizeof(version));
    memcpy(out + TRACE_ID_AT, trace_id, 2 * FCGI_TRACE_ID_BYTES);
    out[SPAN_ID_AT - 1] = '-';
    memcpy(out + SPAN_ID_AT, span_id, 2 * FCGI_SPAN_ID_BYTES);
    memcpy(out + FLAGS_AT - 1, is_sampled ? "-01" : "-00", 4);
}

/* ---- tracestate ------------------------------------------------------------------------------ */

static bool is_lower(unsigned char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_key_char(unsigned char c)
{
    return is_lower(c) || (c >= '0' && c <= '9') || (c != '\0' && strchr("_-*/", c) != NULL);
}

static bool are_key_chars(fc_span_t part, size_t max)
{
    for (size_t i = 0; i < part.bytes; i++) {
        if (!is_key_char(part.at[i])) {
            return false;
        }
    }
    return part.bytes > 0 && part.bytes <= max;
}

/* Either vendor, or tenant@system, of which only the tenant may begin with a digit. */
static bool is_key(fc_span_t key)
{
    const unsigned char *mark = key.bytes > 0 ? memchr(key.at, '@', key.bytes) : NULL;

    if (!mark) {
        return are_key_chars(key, SIMPLE_KEY_MAX) && is_lower(key.at[0]);
    }
    const fc_span_t tenant = fc_span(key.at, (size_t)(mark - key.at));
    const fc_span_t system = fc_span_after(key, tenant.bytes + 1);
    return are_key_chars(tenant, TENANT_KEY_MAX) && are_key_chars(system, SYSTEM_KEY_MAX)
           && (is_lower(tenant.at[0]) || (tenant.at[0] >= '0' && tenant.at[0] <= '9'))
           && is_lower(system.at[0]);
}

static bool is_value(fc_span_t value)
{
    for (size_t i = 0; i < value.bytes; i++) {
        if (value.at[i] < 0x20 || value.at[i] > 0x7e || value.at[i] == '=') {
            return false;
        }
    }
    return value.bytes > 0 && value.bytes <= VALUE_MAX;
}

static bool is_member(fc_span_t member)
{
    const unsigned char *mark = memchr(member.at, '=', member.bytes);

    if (!mark) {
        return false;
    }
    const size_t key_bytes = (size_t)(mark - member.at);
    return is_key(fc_span(member.at, key_bytes)) && is_value(fc_span_after(member, key_bytes + 1));
}

/* returns  how many there are; 0 when one is malformed, or there are too many */
static size_t list_members(fc_span_t rest, fc_span_t members[MEMBERS_MAX])
{
    size_t count = 0;

    while (rest.bytes > 0) {
        const fc_span_t member = fc_span_take(&rest, ',');
        if (member.bytes == 0) {
            continue;
        }
        if (count == MEMBERS_MAX || !is_member(member)) {
            return 0;
        }
        members[count++] = member;
    }
    return count;
}

/* Leave one out: the last long one, else the last. */
static void drop_one(fc_span_t *members, size_t *count)
{
    size_t at = *count;

    while (at > 0 && members[at - 1].bytes <= MEMBER_LONG) {
        at--;
    }
    at = at > 0 ? at - 1 : *count - 1;
    memmove(members + at, members + at + 1, (*count - at - 1) * sizeof(*members));
    --*count;
}

/* With the commas. */
static size_t joined_bytes(const fc_span_t *members, size_t count)
{
    size_t bytes = count > 0 ? count - 1 : 0;

    for (size_t i = 0; i < count; i++) {
        bytes += members[i].bytes;
    }
    return bytes;
}

size_t fcgi_trace_context_write_state(fc_span_t header, char out[FCGI_TRACESTATE_MAX + 1])
{
    fc_span_t members[MEMBERS_MAX];
    size_t count = list_members(header, members);
    const char *const begin = out;

    while (joined_bytes(members, count) > FCGI_TRACESTATE_MAX) {
        drop_one(members, &count);
    }
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            *out++ = ',';
        }
        memcpy(out, members[i].at, members[i].bytes);
        out += members[i].bytes;
    }
    *out = '\0';
    return (size_t)(out - begin);
}
