/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fuzz_record.c - any bytes as a record header: read as the standard draws it, from no more bytes
 * than it has, and written back as it was. */
#include "record.h"
#include "turns.h"

/* What has to come of the first `bytes` bytes of a header. */
static fcgi_result_t expected_result(const uint8_t *header, size_t bytes)
{
    if (bytes > 0 && header[0] != 1) {
        return FCGI_BAD;
    }
    return bytes < FCGI_RECORD_HEADER_BYTES ? FCGI_MORE : FCGI_OK;
}

/* Reads from memory of just that size; answers that are not FCGI_OK leave `out` alone. */
static fcgi_result_t decode(const uint8_t *header, size_t bytes, fcgi_record_t *out)
{
    fcgi_record_t before;
    fuzz_turns_t undecided = { { NULL, 0 }, 0 };
    fc_span_t piece = fuzz_turns_piece(&undecided, fc_span(header, bytes));
    memset(&before, 0xa5, sizeof(before));
    memcpy(out, &before, sizeof(before));
    fcgi_result_t result = fcgi_record_decode(piece, out);
    assert(result == FCGI_OK || memcmp(out, &before, sizeof(before)) == 0);
    fuzz_turns_free(piece);
    return result;
}

static void check_decoded(const uint8_t *header, const fcgi_record_t *record)
{
    assert(record->type == header[1]);
    assert(record->request_id == header[2] * 256 + header[3]);
    assert(record->content_bytes == header[4] * 256 + header[5]);
    assert(record->padding_bytes == header[6]);
}

static void check_encoded(const uint8_t *header, const fcgi_record_t *record)
{
    unsigned char again[FCGI_RECORD_HEADER_BYTES];
    memset(again, 0xa5, sizeof(again));
    fcgi_record_encode(again, record->type, record->request_id, record->content_bytes);
    assert(memcmp(again, header, 6) == 0);
    assert(again[6] == 0 && again[7] == 0);   /* we write no padding */
}

/* FastCGI 1.0, 5.1: role in two bytes, flags, five bytes that are 0. */
static void check_begin(uint16_t request_id, int keep_connection)
{
    unsigned char begin[2 * FCGI_RECORD_HEADER_BYTES];
    const unsigned char body[] = { 0, 1, keep_connection ? 1 : 0, 0, 0, 0, 0, 0 };
    fcgi_record_t record;
    memset(begin, 0xa5, sizeof(begin));
    fcgi_record_encode_begin(begin, request_id, keep_connection);
    assert(decode(begin, sizeof(begin), &record) == FCGI_OK);
    assert(record.type == FCGI_BEGIN_REQUEST && record.request_id == request_id);
    assert(record.content_bytes == sizeof(body) && record.padding_bytes == 0);
    assert(memcmp(begin + FCGI_RECORD_HEADER_BYTES, body, sizeof(body)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fcgi_record_t record;
    for (size_t bytes = 0; bytes <= size && bytes <= FCGI_RECORD_HEADER_BYTES; bytes++) {
        assert(decode(data, bytes, &record) == expected_result(data, bytes));
    }
    if (decode(data, size, &record) == FCGI_OK) {
        check_decoded(data, &record);
        check_encoded(data, &record);
        check_begin(record.request_id, data[7]);
    }
    return 0;
}
