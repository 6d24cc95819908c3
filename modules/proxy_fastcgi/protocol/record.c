/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* record.c - reads and writes the eight bytes before each piece of FastCGI content.
 * Knows    the layout of FastCGI 1.0, 3.3, 5.1 and 5.5.
 * Ignores  what the content means, sockets, httpd.
 * Memory   writes into the caller's buffer, keeps nothing.   Threads: any, no state. */
#include "record.h"

#include <string.h>

enum {
    VERSION = 1,
    ROLE_RESPONDER = 1,
    FLAG_KEEP_CONNECTION = 1
};

static void put_16(unsigned char *out, uint16_t number)
{
    out[0] = (unsigned char)(number >> 8);
    out[1] = (unsigned char)(number & 0xff);
}

static uint16_t get_16(const unsigned char *in)
{
    return (uint16_t)(in[0] << 8 | in[1]);
}

fcgi_result_t fcgi_record_decode(fc_span_t in, fcgi_record_t *out)
{
    /* Asked first: the first byte is enough to know that this is some other protocol. */
    if (in.bytes > 0 && in.at[0] != VERSION) {
        return FCGI_BAD;
    }
    if (in.bytes < FCGI_RECORD_HEADER_BYTES) {
        return FCGI_MORE;
    }
    out->type = in.at[1];
    out->request_id = get_16(in.at + 2);
    out->content_bytes = get_16(in.at + 4);
    out->padding_bytes = in.at[6];
    return FCGI_OK;
}

void fcgi_record_encode(unsigned char *out, uint8_t type, uint16_t request_id,
                        uint16_t content_bytes)
{
    out[0] = VERSION;
    out[1] = type;
    put_16(out + 2, request_id);
    put_16(out + 4, content_bytes);
    out[6] = 0;
    out[7] = 0;
}

void fcgi_record_encode_begin(unsigned char *out, uint16_t request_id, int keep_connection)
{
    unsigned char *body = out + FCGI_RECORD_HEADER_BYTES;
    fcgi_record_encode(out, FCGI_BEGIN_REQUEST, request_id, FCGI_RECORD_HEADER_BYTES);
    memset(body, 0, FCGI_RECORD_HEADER_BYTES);
    put_16(body, ROLE_RESPONDER);
    body[2] = keep_connection ? FLAG_KEEP_CONNECTION : 0;
}
