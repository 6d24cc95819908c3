/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* error_text.c - see error_text.h. */
#include "error_text.h"

#include "fastcgi_log.h"
#include "http_log.h"

extern module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;
APLOG_USE_MODULE(proxy_fastcgi);

static void log_line(fcgi_error_text_t *text, const char *line, size_t bytes)
{
    while (bytes > 0 && (line[bytes - 1] == '\r' || line[bytes - 1] == ' ')) {
        bytes--;
    }
    if (bytes > 0) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, text->r, FCLOGNO(0230) "member %s says: %.*s",
                      text->member, (int)bytes, line);
    }
}

static void keep(fcgi_error_text_t *text, fcgi_span_t piece)
{
    if (!text->line) {
        text->line = apr_palloc(text->r->pool, FCGI_ERROR_LINE_BYTES);
    }
    while (piece.bytes > 0) {
        const size_t room = FCGI_ERROR_LINE_BYTES - text->line_bytes;
        const size_t fits = piece.bytes < room ? piece.bytes : room;
        memcpy(text->line + text->line_bytes, piece.at, fits);
        text->line_bytes += fits;
        piece = fcgi_span_after(piece, fits);
        if (text->line_bytes == FCGI_ERROR_LINE_BYTES) {
            fcgi_error_text_end(text);
        }
    }
}

void fcgi_error_text_add(fcgi_error_text_t *text, fcgi_span_t piece)
{
    const unsigned char *end;

    while (piece.bytes > 0 && (end = memchr(piece.at, '\n', piece.bytes))) {
        const size_t bytes = (size_t)(end - piece.at);
        if (text->line_bytes > 0) {
            keep(text, fcgi_span(piece.at, bytes));
            fcgi_error_text_end(text);
        }
        else {
            log_line(text, (const char *)piece.at, bytes);
        }
        piece = fcgi_span_after(piece, bytes + 1);
    }
    if (piece.bytes > 0) {
        keep(text, piece);
    }
}

void fcgi_error_text_end(fcgi_error_text_t *text)
{
    log_line(text, text->line, text->line_bytes);
    text->line_bytes = 0;
}
