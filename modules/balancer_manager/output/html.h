/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* html.h - writes a page into the sink of its answer. */
#ifndef MGR_HTML_H
#define MGR_HTML_H

#include <string.h>

#include "sink.h"

typedef struct {
    request_rec *r;
    mgr_sink_t *sink;
} mgr_html_t;

/** Begin a page. */
void mgr_html_begin(mgr_html_t *html, request_rec *r);

/** Send what is left. */
void mgr_html_end(mgr_html_t *html);

/** Append markup: our own text, never a value. */
static inline void mgr_html_raw(mgr_html_t *html, const char *markup)
{
    mgr_sink_bytes(html->sink, markup, strlen(markup));
}

/** Append a value to an element or to a double-quoted attribute; nothing for NULL. */
void mgr_html_text(mgr_html_t *html, const char *text);

/** Append a value to a parameter of a link, see mgr_escape_query(). */
void mgr_html_query(mgr_html_t *html, const char *text);

/** Append a number. */
static inline void mgr_html_count(mgr_html_t *html, uint64_t number)
{
    mgr_sink_count(html->sink, number);
}

/** Append a number with one decimal: tenths. */
void mgr_html_tenths(mgr_html_t *html, uint64_t tenths);

/** Append what printf writes: at most 500 bytes, and only numbers and our own text. */
void mgr_html_format(mgr_html_t *html, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
