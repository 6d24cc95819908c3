/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fuzz_params.c - pairs of any lengths: measure and encode agree, no pair crosses a record border.
 * Four bytes of input say the lengths of one pair; its text is taken from a fixed buffer. */
#undef NDEBUG
#include <assert.h>
#include <stdlib.h>

#include "params.h"

#define PAIRS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const unsigned char text[70000];

static size_t read_length(fcgi_span_t *in)
{
    size_t length = in->at[0], took = 1;
    if (length > 127) {
        length = (length & 0x7f) << 24 | (size_t)in->at[1] << 16 | (size_t)in->at[2] << 8
                 | in->at[3];
        took = 4;
    }
    *in = fcgi_span_after(*in, took);
    return length;
}

/* Takes the pairs of one record; its content has to end with one. */
static size_t check_content(fcgi_span_t content, const fcgi_pair_t *pairs, size_t count,
                            size_t seen)
{
    while (content.bytes > 0) {
        size_t name = read_length(&content), value = read_length(&content);
        assert(seen < count);
        assert(name == pairs[seen].name.bytes && value == pairs[seen].value.bytes);
        assert(name + value <= content.bytes);
        content = fcgi_span_after(content, name + value);
        seen++;
    }
    return seen;
}

static void check_records(fcgi_span_t in, const fcgi_pair_t *pairs, size_t count)
{
    fcgi_record_t record;
    size_t seen = 0;
    do {
        assert(fcgi_record_decode(in, &record) == FCGI_OK && record.type == FCGI_PARAMS);
        in = fcgi_span_after(in, FCGI_RECORD_HEADER_BYTES);
        assert(in.bytes >= record.content_bytes);
        seen = check_content(fcgi_span(in.at, record.content_bytes), pairs, count, seen);
        in = fcgi_span_after(in, record.content_bytes);
    } while (record.content_bytes > 0);
    assert(seen == count && in.bytes == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fcgi_pair_t pairs[PAIRS_MAX];
    size_t count = 0, bytes, too_big = PAIRS_MAX;
    for (; size >= 4 && count < PAIRS_MAX; data += 4, size -= 4, count++) {
        pairs[count].name = fcgi_span(text, (size_t)(data[0] << 8 | data[1]));
        pairs[count].value = fcgi_span(text, (size_t)(data[2] << 8 | data[3]));
    }
    if (fcgi_params_measure(pairs, count, &bytes, &too_big) == FCGI_BAD) {
        assert(too_big < count);
        size_t texts = pairs[too_big].name.bytes + pairs[too_big].value.bytes;
        assert(texts > FCGI_RECORD_CONTENT_MAX - 8);
        return 0;
    }
    unsigned char *out = malloc(bytes);
    assert(out != NULL && fcgi_params_encode(pairs, count, 1, out) == bytes);
    check_records(fcgi_span(out, bytes), pairs, count);
    free(out);
    return 0;
}
