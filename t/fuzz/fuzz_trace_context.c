/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fuzz_trace_context.c - any bytes as traceparent and as tracestate: a traceparent that is taken is as
 * the standard's grammar says, and what is passed on of either is read back as the same.
 * The first line of the input is the traceparent, the rest the tracestate. */
#include <ctype.h>
#include <stdbool.h>

#include "trace_context.h"
#include "turns.h"

/* By the shape of each position, not field by field. */
static bool is_right(const char *text, size_t bytes)
{
    static const char shape[] =
        "hh-hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh-hhhhhhhhhhhhhhhh-hh";

    for (size_t i = 0; i < sizeof(shape) - 1; i++) {
        const char c = i < bytes ? text[i] : '\0';
        if (shape[i] == '-' ? c != '-' : !isdigit((unsigned char)c) && !(c >= 'a' && c <= 'f')) {
            return false;
        }
    }
    return strncmp(text, "ff", 2) != 0 && strspn(text + 3, "0") < 32 && strspn(text + 36, "0") < 16
           && (bytes == 55 || (strncmp(text, "00", 2) != 0 && text[55] == '-'));
}

static void check_parent(fc_span_t header)
{
    fcgi_trace_context_t context, again;
    char written[FCGI_TRACEPARENT_BYTES + 1];
    char trace_id[2 * FCGI_TRACE_ID_BYTES + 1], span_id[2 * FCGI_SPAN_ID_BYTES + 1];
    char *text = malloc(header.bytes + 1);

    assert(text != NULL);
    memcpy(text, header.bytes > 0 ? (const void *)header.at : "", header.bytes);
    text[header.bytes] = '\0';
    assert(fcgi_trace_context_read(&context, header) == is_right(text, header.bytes));
    if (is_right(text, header.bytes)) {
        fcgi_trace_context_hex(trace_id, context.trace_id, FCGI_TRACE_ID_BYTES);
        fcgi_trace_context_hex(span_id, context.span_id, FCGI_SPAN_ID_BYTES);
        fcgi_trace_context_write(trace_id, span_id, context.is_sampled, written);
        assert(strncmp(written + 2, text + 2, 51) == 0 && strncmp(written, "00", 2) == 0);
        assert(fcgi_trace_context_read(&again, fc_span(written, FCGI_TRACEPARENT_BYTES)));
        assert(again.is_sampled == context.is_sampled);
    }
    free(text);
}

static void check_state(fc_span_t header)
{
    char out[FCGI_TRACESTATE_MAX + 1], again[FCGI_TRACESTATE_MAX + 1];
    const size_t bytes = fcgi_trace_context_write_state(header, out);

    assert(bytes <= FCGI_TRACESTATE_MAX && strlen(out) == bytes && bytes <= header.bytes);
    assert(fcgi_trace_context_write_state(fc_span(out, bytes), again) == bytes);
    assert(strcmp(out, again) == 0 && !strstr(out, ",,") && !strchr(out, '\t'));
    size_t equals = 0, members = bytes > 0;
    for (const char *c = out; *c; c++) {
        assert(*c >= 0x20 && *c < 0x7f);
        equals += *c == '=';
        members += *c == ',';
    }
    assert(equals == members && members <= 32);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    const size_t first = end ? (size_t)(end - data) : size;

    check_parent(fc_span(data, first));
    check_state(end ? fc_span(end + 1, size - first - 1) : fc_span(data, size));
    return 0;
}
