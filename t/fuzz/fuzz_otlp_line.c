/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fuzz_otlp_line.c - any texts in spans: a line is JSON that Jansson takes, on one line, no longer than
 * a pipe takes at once, and has each span that was added.
 * The input is texts with a NUL behind each; each sixth begins a new span. */
#include <jansson.h>
#include <stdbool.h>

#include "otlp_line.h"
#include "text_input.h"

static fcgi_otlp_line_t line;

static void begin_line(const char *service)
{
    const fcgi_otlp_source_t source = { .service = service, .host = service, .version = "1" };
    fcgi_otlp_line_begin(&line, &source);
}

static void check_line(size_t spans)
{
    json_t *root;
    fcgi_otlp_line_end(&line);
    assert(line.bytes <= PIPE_BUF
           && memchr(line.text, '\n', line.bytes) == line.text + line.bytes - 1);
    root = json_loadb(line.text, line.bytes, JSON_REJECT_DUPLICATES, NULL);
    assert(root != NULL);
    const json_t *scope = json_array_get(
        json_object_get(json_array_get(json_object_get(root, "resourceSpans"), 0), "scopeSpans"),
        0);
    assert(json_array_size(json_object_get(scope, "spans")) == spans);
    json_decref(root);
}

/* returns  how many are in the line now */
static size_t add(const fcgi_otlp_span_t *span, const char *service, size_t before)
{
    if (fcgi_otlp_line_add(&line, span)) {
        return before + 1;
    }
    assert(before > 0);
    check_line(before);
    begin_line(service);
    assert(fcgi_otlp_line_add(&line, span));
    return 1;
}

static fcgi_otlp_span_t new_span(const char *name)
{
    return (fcgi_otlp_span_t){ .trace_id = "0af7651916cd43dd8448eb211c80319c",
                               .span_id = "b7ad6b7169203331",
                               .parent_id = "",
                               .state = name,
                               .name = name,
                               .kind = FCGI_OTLP_CLIENT,
                               .begin = 1,
                               .end = (int64_t)strlen(name) };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *texts = malloc(size + 1);
    assert(texts != NULL);
    memcpy(texts, size > 0 ? data : (const uint8_t *)"", size);
    texts[size] = '\0';
    fcgi_otlp_span_t span = new_span(texts);
    size_t spans = 0, taken = 0;

    begin_line(texts);
    for (const char *at = texts; at <= texts + size; at += strlen(at) + 1) {
        if (++taken % 6 == 0) {
            spans = add(&span, texts, spans);
            span = new_span(at);
        }
        fcgi_otlp_span_text(&span, "url.path", at);
        fcgi_otlp_span_event(&span, "connected", (int64_t)taken);
    }
    spans = add(&span, texts, spans);
    check_line(spans);
    free(texts);
    return 0;
}
