/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fuzz_response_head.c - any bytes as a head: every split finds the same end, every field lies
 * inside the head, the fields come to an end. The first byte says where to split. */
#undef NDEBUG
#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "response_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool lies_in(fcgi_span_t part, fcgi_span_t whole)
{
    return part.at >= whole.at && part.at + part.bytes <= whole.at + whole.bytes;
}

static void check_split(fcgi_span_t in, size_t cut, fcgi_result_t expected, size_t end)
{
    fcgi_head_scan_t scan = { 0 };
    size_t used;
    if (fcgi_head_scan(&scan, fcgi_span(in.at, cut), &used) == FCGI_OK) {
        assert(expected == FCGI_OK && used == end);
        return;
    }
    assert(used == cut);
    assert(fcgi_head_scan(&scan, fcgi_span_after(in, cut), &used) == expected);
    assert(cut + used == end);
}

static void check_fields(fcgi_span_t head)
{
    fcgi_span_t rest = head;
    fcgi_field_t field;
    fcgi_result_t result;
    while ((result = fcgi_head_next(&rest, &field)) != FCGI_MORE) {
        assert(lies_in(field.name, head) && lies_in(rest, head));
        assert(field.name.bytes > 0);
        if (result == FCGI_OK) {
            assert(lies_in(field.value, head));
            assert(memchr(field.name.at, ':', field.name.bytes) == NULL);
            assert(field.value.bytes == 0 || !memchr(field.value.at, '\n', field.value.bytes));
            assert(field.value.bytes == 0 || !memchr(field.value.at, 0, field.value.bytes));
        }
    }
    assert(rest.bytes <= 2);   /* only the empty line stays */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fcgi_head_scan_t scan = { 0 };
    size_t used;
    if (size == 0) {
        return 0;
    }
    fcgi_span_t in = fcgi_span(data + 1, size - 1);
    fcgi_result_t result = fcgi_head_scan(&scan, in, &used);
    assert(used <= in.bytes && (result == FCGI_OK || used == in.bytes));
    check_split(in, data[0] < in.bytes ? data[0] : in.bytes, result, used);
    check_fields(fcgi_span(in.at, used));
    fcgi_span_t biggest = fcgi_head_biggest_field(fcgi_span(in.at, used));
    assert(biggest.bytes <= 64 && lies_in(biggest, in));
    return 0;
}
