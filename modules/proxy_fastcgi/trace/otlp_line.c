/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* otlp_line.c - see otlp_line.h. */
#include "otlp_line.h"

#include <string.h>

#include "invariant.h"
#include "json_character.h"

#define ENDING "]}]}]}\n"

/* How long a text may get: at first, and when the span is too long even alone on a line. The
 * shortest leaves room for all that a span can have (t/unit/test_otlp_line.c). */
#define TEXT_MAX   1024
#define TEXT_LEAST 32

/* Longer ones name no service and no host. */
#define SOURCE_MAX 255

#define CUT "\xE2\x80\xA6"    /* an ellipsis stands where a text was cut */

/* What is written, up to the end of the room. */
typedef struct {
    char *at;
    size_t left;
    size_t text_max;    /* bytes of a text, as it is written */
    bool is_full;       /* something did not fit */
} writer_t;

static void put_bytes(writer_t *w, const char *bytes, size_t count)
{
    if (count > w->left) {
        w->is_full = true;
        w->left = 0;
        return;
    }
    memcpy(w->at, bytes, count);
    w->at += count;
    w->left -= count;
}

/* Inline, so that the length of most is known when this is compiled. */
static inline void put(writer_t *w, const char *text)
{
    put_bytes(w, text, strlen(text));
}

static void put_number(writer_t *w, int64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;

    put(w, number < 0 ? "-" : "");
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    put_bytes(w, digits + at, sizeof(digits) - at);
}

/* "name":"text", of what needs no escape. */
static inline void put_field(writer_t *w, const char *name, const char *text)
{
    put(w, name);
    put(w, text);
    put(w, "\"");
}

/* Whatever the bytes are, it is a string of JSON. */
static void put_text(writer_t *w, const char *text, size_t max)
{
    size_t left = max - (sizeof(CUT) - 1);

    put(w, "\"");
    while (*text) {
        const size_t plain = fc_json_plain_bytes(text);
        char character[FC_JSON_CHARACTER_MAX];
        size_t takes = plain < left ? plain : left;
        const size_t bytes = plain > 0 ? takes : fc_json_character(text, &takes, character);
        if (bytes == 0 || bytes > left) {
            put(w, CUT);
            break;
        }
        put_bytes(w, plain > 0 ? text : character, bytes);
        left -= bytes;
        text += takes;
    }
    put(w, "\"");
}

static void put_attribute(writer_t *w, const fcgi_otlp_attribute_t *attribute)
{
    put_field(w, "{\"key\":\"", attribute->key);
    if (attribute->text) {
        put(w, ",\"value\":{\"stringValue\":");
        put_text(w, attribute->text, w->text_max);
        put(w, "}}");
    }
    else {
        put(w, ",\"value\":{\"intValue\":\"");
        put_number(w, attribute->number);
        put(w, "\"}}");
    }
}

/* us -> ns */
static void put_time(writer_t *w, const char *name, int64_t us)
{
    put(w, name);
    put_number(w, us);
    put(w, "000\"");
}

static void put_attributes(writer_t *w, const fcgi_otlp_span_t *span)
{
    put(w, ",\"attributes\":[");
    for (size_t i = 0; i < span->attribute_count; i++) {
        put(w, i > 0 ? "," : "");
        put_attribute(w, &span->attributes[i]);
    }
    put(w, "]");
}

static void put_events(writer_t *w, const fcgi_otlp_span_t *span)
{
    put(w, ",\"events\":[");
    for (size_t i = 0; i < span->event_count; i++) {
        put(w, i > 0 ? "," : "");
        put_time(w, "{\"timeUnixNano\":\"", span->events[i].at);
        put_field(w, ",\"name\":\"", span->events[i].name);
        put(w, "}");
    }
    put(w, "]");
}

static void put_span(writer_t *w, const fcgi_otlp_span_t *span)
{
    put_field(w, "{\"traceId\":\"", span->trace_id);
    put_field(w, ",\"spanId\":\"", span->span_id);
    if (*span->parent_id) {
        put_field(w, ",\"parentSpanId\":\"", span->parent_id);
    }
    /* whole or not at all: a part of it would be wrong */
    if (*span->state && strlen(span->state) <= w->text_max / 2) {
        put(w, ",\"traceState\":");
        put_text(w, span->state, w->text_max);
    }
    put(w, ",\"name\":");
    put_text(w, span->name, w->text_max);
    put(w, ",\"kind\":");
    put_number(w, span->kind);
    put_time(w, ",\"startTimeUnixNano\":\"", span->begin);
    put_time(w, ",\"endTimeUnixNano\":\"", span->end > span->begin ? span->end : span->begin);
    put_attributes(w, span);
    if (span->event_count > 0) {
        put_events(w, span);
    }
    put(w, span->has_failed ? ",\"status\":{\"code\":2}}" : "}");
}

static writer_t writer_behind(fcgi_otlp_line_t *line)
{
    return (writer_t){ .at = line->text + line->bytes,
                       .left = sizeof(line->text) - (sizeof(ENDING) - 1) - line->bytes,
                       .text_max = TEXT_MAX };
}

void fcgi_otlp_line_begin(fcgi_otlp_line_t *line, const fcgi_otlp_source_t *source)
{
    line->bytes = 0;
    line->spans = 0;
    writer_t w = writer_behind(line);
    put(&w, "{\"resourceSpans\":[{\"resource\":{\"attributes\":["
            "{\"key\":\"service.name\",\"value\":{\"stringValue\":");
    put_text(&w, source->service, SOURCE_MAX);
    put(&w, "}},{\"key\":\"host.name\",\"value\":{\"stringValue\":");
    put_text(&w, source->host, SOURCE_MAX);
    put_field(&w, "}}]},\"scopeSpans\":[{\"scope\":{\"name\":\"mod_proxy_fastcgi\",\"version\":\"",
              source->version);
    put(&w, "},\"spans\":[");
    line->bytes = (size_t)(w.at - line->text);
}

bool fcgi_otlp_line_add(fcgi_otlp_line_t *line, const fcgi_otlp_span_t *span)
{
    for (size_t text_max = TEXT_MAX; text_max >= TEXT_LEAST; text_max /= 2) {
        writer_t w = writer_behind(line);
        w.text_max = text_max;
        put(&w, line->spans > 0 ? "," : "");
        put_span(&w, span);
        if (!w.is_full) {
            line->bytes = (size_t)(w.at - line->text);
            line->spans++;
            return true;
        }
        if (line->spans > 0) {
            return false;
        }
    }
    FC_INVARIANT(!"a span fits when its texts are short");
    return false;
}

void fcgi_otlp_line_end(fcgi_otlp_line_t *line)
{
    memcpy(line->text + line->bytes, ENDING, sizeof(ENDING) - 1);
    line->bytes += sizeof(ENDING) - 1;
}

/* ---- A span that is being made --------------------------------------------------------------- */

static void add_attribute(fcgi_otlp_span_t *span, fcgi_otlp_attribute_t attribute)
{
    if (span->attribute_count < FCGI_OTLP_ATTRIBUTES_MAX) {
        span->attributes[span->attribute_count++] = attribute;
    }
}

void fcgi_otlp_span_text(fcgi_otlp_span_t *span, const char *key, const char *text)
{
    add_attribute(span, (fcgi_otlp_attribute_t){ .key = key, .text = text });
}

void fcgi_otlp_span_number(fcgi_otlp_span_t *span, const char *key, int64_t number)
{
    add_attribute(span, (fcgi_otlp_attribute_t){ .key = key, .number = number });
}

void fcgi_otlp_span_event(fcgi_otlp_span_t *span, const char *name, int64_t at)
{
    if (span->event_count < FCGI_OTLP_EVENTS_MAX) {
        span->events[span->event_count++] = (fcgi_otlp_event_t){ .name = name, .at = at };
    }
}
