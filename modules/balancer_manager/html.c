/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* html.c - writes a page: a status of 5,000 members is some 100,000 small pieces.
 * Knows    which characters mean something to a browser.
 * Ignores  what a page is made of.
 * Memory   pieces of 32 KB become buckets; r->pool for values that are not UTF-8.
 * Threads  one request, one thread. */
#include "html.h"

#include <stdarg.h>

#include <apr_strings.h>

#include "markup.h"
#include "utf8.h"

#define PIECE_BYTES (32 * 1024)

void mgr_html_begin(mgr_html_t *html, request_rec *r)
{
    html->r = r;
    html->out = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    html->piece = apr_bucket_alloc(PIECE_BYTES, html->out->bucket_alloc);
    html->used = 0;
}

/* A client that has gone shows elsewhere: the page is then written to nobody. */
static void send_piece(mgr_html_t *html)
{
    apr_bucket_alloc_t *alloc = html->out->bucket_alloc;
    apr_bucket *bucket = apr_bucket_heap_create(html->piece, html->used, apr_bucket_free, alloc);

    APR_BRIGADE_INSERT_TAIL(html->out, bucket);
    ap_pass_brigade(html->r->output_filters, html->out);
    apr_brigade_cleanup(html->out);
    html->piece = NULL;
    html->used = 0;
}

void mgr_html_end(mgr_html_t *html)
{
    send_piece(html);
}

void mgr_html_bytes(mgr_html_t *html, const char *bytes, apr_size_t count)
{
    while (count > PIECE_BYTES - html->used) {
        const apr_size_t part = PIECE_BYTES - html->used;
        memcpy(html->piece + html->used, bytes, part);
        html->used += part;
        bytes += part;
        count -= part;
        send_piece(html);
        html->piece = apr_bucket_alloc(PIECE_BYTES, html->out->bucket_alloc);
    }
    memcpy(html->piece + html->used, bytes, count);
    html->used += count;
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
        mgr_html_bytes(html, in, plain);
        in += plain;
        if (*in) {
            mgr_html_raw(html, entity(*in++));
        }
    }
}

void mgr_html_query(mgr_html_t *html, const char *text)
{
    mgr_html_text(html, mgr_markup_query(html->r->pool, text));
}

void mgr_html_count(mgr_html_t *html, uint64_t number)
{
    char digits[20];
    size_t first = sizeof(digits);

    do {
        digits[--first] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    mgr_html_bytes(html, digits + first, sizeof(digits) - first);
}

void mgr_html_tenths(mgr_html_t *html, uint64_t tenths)
{
    const char decimal[] = { '.', (char)('0' + tenths % 10) };

    mgr_html_count(html, tenths / 10);
    mgr_html_bytes(html, decimal, sizeof(decimal));
}

void mgr_html_format(mgr_html_t *html, const char *format, ...)
{
    char line[501];
    va_list values;

    va_start(values, format);
    const int bytes = apr_vsnprintf(line, sizeof(line), format, values);
    va_end(values);
    mgr_html_bytes(html, line, (apr_size_t)bytes);
}
