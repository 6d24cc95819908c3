/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* error_text.h - what a member writes to STDERR, line by line, to the error log.
 * Knows    lines that are cut anywhere across records; how PHP words its messages.
 * Memory   FCGI_ERROR_LINE_BYTES in r->pool, only when there is text.
 * Threads  the request's own. */
#ifndef FCGI_ERROR_TEXT_H
#define FCGI_ERROR_TEXT_H

#include <stdbool.h>

#include "httpd.h"
#include "span.h"

#define FCGI_ERROR_LINE_BYTES 8192    /* a longer line is logged in pieces */
#define FCGI_ERROR_LINES_MAX  100     /* of one request; the rest is only counted */
#define FCGI_ERROR_BYTES_MAX  (64 * 1024 * 1024)   /* of one try: nobody means to say so much */

typedef struct {
    request_rec *r;
    const char *member;       /* for the log */
    const char *script;       /* the SCRIPT_FILENAME that was sent */
    char *line;               /* the start of a line whose end has not come */
    size_t line_bytes;
    int lines;                /* so far, the left out ones too */
    size_t bytes;             /* likewise */
} fcgi_error_text_t;

/** returns  false when it is more than FCGI_ERROR_BYTES_MAX */
bool fcgi_error_text_add(fcgi_error_text_t *text, fc_span_t piece);

/** The text ends: log what has no line end, and how much was left out. */
void fcgi_error_text_end(fcgi_error_text_t *text);

#endif
