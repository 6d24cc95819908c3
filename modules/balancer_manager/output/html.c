/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* html.c - writes a page: a status of 5,000 members is some 100,000 small pieces.
 * Knows    which characters mean something to a browser.
 * Ignores  what a page is made of.
 * Memory   the sink; r->pool for values that are not UTF-8.
 * Threads  one request, one thread. */
#include "html.h"

#include <stdarg.h>

#include "apr_strings.h"
#include "escape.h"
#include "utf8.h"

void mgr_html_begin(mgr_html_t *html, request_rec *r)
{
    html->r = r;
    html->sink = mgr_sink_make(r);
}

void mgr_html_end(mgr_html_t *html)
{
    mgr_sink_end(html->sink);
}

static const char *entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    default:
        return "&quot;";
    }
}

void mgr_html_text(mgr_html_t *html, const char *text)
{
    const char *in = text ? mgr_utf8_mend(html->r->pool, text) : "";

    while (*in) {
        const size_t plain = strcspn(in, "&<>\"");
        mgr_sink_bytes(html->sink, in, plain);
        in += plain;
        if (*in) {
            mgr_html_raw(html, entity(*in++));
        }
    }
}

void mgr_html_query(mgr_html_t *html, const char *text)
{
    mgr_html_text(html, mgr_escape_query(html->r->pool, text));
}

void mgr_html_tenths(mgr_html_t *html, uint64_t tenths)
{
    const char decimal[] = { '.', (char)('0' + tenths % 10) };

    mgr_html_count(html, tenths / 10);
    mgr_sink_bytes(html->sink, decimal, sizeof(decimal));
}

void mgr_html_format(mgr_html_t *html, const char *format, ...)
{
    char line[501];
    va_list values;

    va_start(values, format);
    const int bytes = apr_vsnprintf(line, sizeof(line), format, values);
    va_end(values);
    mgr_sink_bytes(html->sink, line, (apr_size_t)bytes);
}
