/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* error_text.h - what a member writes to STDERR, line by line, to the error log.
 * Knows    lines that are cut anywhere across records.
 * Memory   FCGI_ERROR_LINE_BYTES in r->pool, only when there is text.
 * Threads  the request's own. */
#ifndef FCGI_ERROR_TEXT_H
#define FCGI_ERROR_TEXT_H

#include "httpd.h"
#include "span.h"

#define FCGI_ERROR_LINE_BYTES 8192    /* a longer line is logged in pieces */

typedef struct {
    request_rec *r;
    const char *member;       /* for the log */
    char *line;               /* the start of a line whose end has not come */
    size_t line_bytes;
} fcgi_error_text_t;

void fcgi_error_text_add(fcgi_error_text_t *text, fcgi_span_t piece);

/** Log what has no line end. */
void fcgi_error_text_end(fcgi_error_text_t *text);

#endif
