/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fuzz_params.c - pairs of any lengths: what is measured is written, and read back as it was, with
 * no pair over a record border.
 * Four bytes of input say the two lengths of a pair; 65535 and 65534 stand for lengths whose sums
 * wrap around. The texts are places in one buffer that looks different everywhere. */
#include <stdbool.h>

#include "params.h"
#include "turns.h"

#define PAIRS_MAX  64
#define REQUEST_ID 0x0203
#define LONGEST    65533    /* of the lengths that stand for themselves */

static unsigned char text[LONGEST + 2 * PAIRS_MAX];

static void fill_text_once(void)
{
    static bool is_filled;
    uint32_t dice = 19960429;
    for (size_t i = 0; !is_filled && i < sizeof(text); i++) {
        dice = dice * 1664525 + 1013904223;
        text[i] = (unsigned char)(dice >> 24);
    }
    is_filled = true;
}

static fc_span_t text_of(const uint8_t *length, size_t from)
{
    size_t bytes = (size_t)(length[0] << 8 | length[1]);
    if (bytes > LONGEST) {
        bytes = bytes == UINT16_MAX ? SIZE_MAX : SIZE_MAX / 2 + 1;
    }
    return fc_span(text + from, bytes);
}

static size_t read_length(fc_span_t *in)
{
    assert(in->bytes >= 1);
    size_t length = in->at[0], took = 1;
    if (length > 127) {
        assert(in->bytes >= 4);
        length = (length & 0x7f) << 24 | (size_t)in->at[1] << 16 | (size_t)in->at[2] << 8
                 | in->at[3];
        assert(length > 127);   /* else one byte would have done */
        took = 4;
    }
    *in = fc_span_after(*in, took);
    return length;
}

static void read_text(fc_span_t *in, size_t bytes, fc_span_t expected)
{
    assert(bytes == expected.bytes && bytes <= in->bytes);
    assert(memcmp(in->at, expected.at, bytes) == 0);
    *in = fc_span_after(*in, bytes);
}

/* Takes the pairs of one record; its content has to end with one. */
static size_t check_content(fc_span_t content, const fcgi_pair_t *pairs, size_t count,
                            size_t seen)
{
    while (content.bytes > 0) {
        size_t name = read_length(&content), value = read_length(&content);
        assert(seen < count);
        read_text(&content, name, pairs[seen].name);
        read_text(&content, value, pairs[seen].value);
        seen++;
    }
    return seen;
}

/* Lengths of 1 or 4 bytes and both texts; texts whose sum may wrap around are just too big. */
static size_t content_of(const fcgi_pair_t *pair)
{
    size_t name = pair->name.bytes, value = pair->value.bytes;
    if (name > LONGEST || value > LONGEST) {
        return FCGI_RECORD_CONTENT_MAX + 1;
    }
    return (name > 127 ? 4 : 1) + (value > 127 ? 4 : 1) + name + value;
}

static void check_records(fc_span_t in, const fcgi_pair_t *pairs, size_t count)
{
    fcgi_record_t record;
    size_t seen = 0;
    do {
        assert(fcgi_record_decode(in, &record) == FCGI_OK && record.type == FCGI_PARAMS);
        assert(record.request_id == REQUEST_ID && record.padding_bytes == 0);
        in = fc_span_after(in, FCGI_RECORD_HEADER_BYTES);
        assert(in.bytes >= record.content_bytes);
        seen = check_content(fc_span(in.at, record.content_bytes), pairs, count, seen);
        in = fc_span_after(in, record.content_bytes);
        /* A record that ends before the last pair had no room for the next one. */
        assert(record.content_bytes == 0 || seen == count
               || content_of(&pairs[seen]) + record.content_bytes > FCGI_RECORD_CONTENT_MAX);
    } while (record.content_bytes > 0);
    assert(seen == count && in.bytes == 0);
}

static size_t first_too_big(const fcgi_pair_t *pairs, size_t count)
{
    size_t i = 0;
    while (i < count && content_of(&pairs[i]) <= FCGI_RECORD_CONTENT_MAX) {
        i++;
    }
    return i;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fcgi_pair_t pairs[PAIRS_MAX] = { { { NULL, 0 }, { NULL, 0 } } };
    size_t count = 0, bytes = 4711, too_big = PAIRS_MAX;
    fill_text_once();
    for (; size >= 4 && count < PAIRS_MAX; data += 4, size -= 4, count++) {
        pairs[count].name = text_of(data, 2 * count);
        pairs[count].value = text_of(data + 2, 2 * count + 1);
    }
    fcgi_result_t result = fcgi_params_measure(pairs, count, &bytes, &too_big);
    if (first_too_big(pairs, count) < count) {
        assert(result == FCGI_BAD && too_big == first_too_big(pairs, count));
        return 0;
    }
    assert(result == FCGI_OK && too_big == PAIRS_MAX);
    unsigned char *out = malloc(bytes);
    assert(out != NULL && fcgi_params_encode(pairs, count, REQUEST_ID, out) == bytes);
    check_records(fc_span(out, bytes), pairs, count);
    free(out);
    return 0;
}
