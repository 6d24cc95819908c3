/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* otlp_line.h - lays spans out as lines of OTLP JSON, each a whole ExportTraceServiceRequest, as
 *               the OpenTelemetry collector's otlpjsonfile receiver reads them.
 * Knows    the JSON of OTLP (ids in hexadecimal, 64-bit numbers as strings), and that a pipe takes
 *          no more than PIPE_BUF bytes at once: no line is longer, so that lines of several
 *          processes do not mix. Texts that are too long for that are cut.
 * Ignores  what a span is about, where lines go (trace_log.h).
 * Memory   the caller's line; spans are borrowed while they are added.   Threads: any, no state.
 * Source   https://opentelemetry.io/docs/specs/otlp/ (JSON Protobuf Encoding); trace.proto */
#ifndef FCGI_OTLP_LINE_H
#define FCGI_OTLP_LINE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FCGI_OTLP_LINE_MAX       PIPE_BUF
#define FCGI_OTLP_ATTRIBUTES_MAX 16    /* of one span */
#define FCGI_OTLP_EVENTS_MAX     16

typedef struct {
    const char *key;
    const char *text;    /* NULL: the number */
    int64_t number;
} fcgi_otlp_attribute_t;

typedef struct {
    const char *name;
    int64_t at;    /* us since the epoch */
} fcgi_otlp_event_t;

/* As in trace.proto. */
typedef enum {
    FCGI_OTLP_SERVER = 2,
    FCGI_OTLP_CLIENT = 3
} fcgi_otlp_kind_t;

typedef struct {
    const char *trace_id;     /* all ids in hexadecimal */
    const char *span_id;
    const char *parent_id;    /* "": it has none */
    const char *state;        /* tracestate; "": none */
    const char *name;
    fcgi_otlp_kind_t kind;
    int64_t begin, end;       /* us since the epoch */
    bool has_failed;
    size_t attribute_count, event_count;
    fcgi_otlp_attribute_t attributes[FCGI_OTLP_ATTRIBUTES_MAX];
    fcgi_otlp_event_t events[FCGI_OTLP_EVENTS_MAX];
} fcgi_otlp_span_t;

/* Whose spans they are. */
typedef struct {
    const char *service;    /* service.name */
    const char *host;       /* host.name */
    const char *version;    /* of the scope mod_proxy_fastcgi */
} fcgi_otlp_source_t;

typedef struct {
    char text[FCGI_OTLP_LINE_MAX];    /* no NUL at its end */
    size_t bytes;
    int spans;
} fcgi_otlp_line_t;

/** Begin a line. */
void fcgi_otlp_line_begin(fcgi_otlp_line_t *line, const fcgi_otlp_source_t *source);

/** Add a span.
 *  returns  false: it does not fit behind the others, and belongs in a new line. There it does, if
 *           need be with shorter texts */
bool fcgi_otlp_line_add(fcgi_otlp_line_t *line, const fcgi_otlp_span_t *span);

/** End the line: its bytes are complete. */
void fcgi_otlp_line_end(fcgi_otlp_line_t *line);

/** For a span that is being made; more of them than fit in are left out. */
void fcgi_otlp_span_text(fcgi_otlp_span_t *span, const char *key, const char *text);
void fcgi_otlp_span_number(fcgi_otlp_span_t *span, const char *key, int64_t number);
void fcgi_otlp_span_event(fcgi_otlp_span_t *span, const char *name, int64_t at);

#endif
