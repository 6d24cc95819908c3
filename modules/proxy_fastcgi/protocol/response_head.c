/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* response_head.c - finds the end of a CGI response head and takes its fields apart.
 * Knows    lines ended by LF or CRLF, the empty line, "name: value" (RFC 3875, 6.2 and 6.3).
 * Ignores  what a field means (reply.c decides that).
 * Memory   borrows; keeps nothing but the scan state in the caller's struct.   Threads: any. */
#include "response_head.h"

#include <stdbool.h>
#include <string.h>

#define BIGGEST_NAME_BYTES 64   /* as much of a name as belongs into a log line */

static bool is_token_character(unsigned char c)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";   /* RFC 9110, 5.6.2 */
    unsigned char lower = c | 0x20;
    if ((lower >= 'a' && lower <= 'z') || c == '-' || (c >= '0' && c <= '9')) {
        return true;
    }
    return memchr(marks, c, sizeof(marks) - 1) != NULL;
}

static bool is_token(fc_span_t name)
{
    for (size_t i = 0; i < name.bytes; i++) {
        if (!is_token_character(name.at[i])) {
            return false;
        }
    }
    return name.bytes > 0;
}

/* No control character but HTAB: a CR that is left here is a bare one. */
static bool is_field_text(fc_span_t value)
{
    for (size_t i = 0; i < value.bytes; i++) {
        unsigned char c = value.at[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

/* The first line of `text` without its LF or CRLF, and in *whole its bytes with them. */
static fc_span_t first_line(fc_span_t text, size_t *whole)
{
    if (text.bytes == 0) {
        *whole = 0;
        return text;
    }
    const unsigned char *lf = memchr(text.at, '\n', text.bytes);
    if (lf == NULL) {
        *whole = text.bytes;
        return text;
    }
    size_t bytes = (size_t)(lf - text.at);
    *whole = bytes + 1;
    if (bytes > 0 && text.at[bytes - 1] == '\r') {
        bytes--;
    }
    return fc_span(text.at, bytes);
}

static fc_span_t up_to_colon(fc_span_t line)
{
    const unsigned char *colon = line.bytes > 0 ? memchr(line.at, ':', line.bytes) : NULL;
    return colon ? fc_span(line.at, (size_t)(colon - line.at)) : line;
}

/* The two marks of the scan say what the current line holds: nothing yet (both 0), a CR and
 * nothing else (after_cr), or something, so that it cannot be the empty line (line_has_text). */
fcgi_result_t fcgi_head_scan(fcgi_head_scan_t *scan, fc_span_t in, size_t *used)
{
    *used = in.bytes;
    for (size_t i = 0; i < in.bytes; i++) {
        if (!scan->line_has_text) {
            if (in.at[i] == '\n') {
                *scan = (fcgi_head_scan_t){ 0, 0 };
                *used = i + 1;
                return FCGI_OK;
            }
            if (in.at[i] == '\r' && !scan->after_cr) {
                scan->after_cr = 1;
                continue;
            }
        }
        const unsigned char *lf = memchr(in.at + i, '\n', in.bytes - i);
        *scan = (fcgi_head_scan_t){ .line_has_text = lf == NULL };
        if (lf == NULL) {
            return FCGI_MORE;
        }
        i = (size_t)(lf - in.at);
    }
    return FCGI_MORE;
}

size_t fcgi_head_drop_crs(fc_span_t head, unsigned char *out)
{
    size_t kept = 0;

    while (head.bytes > 0) {
        const unsigned char *cr = memchr(head.at, '\r', head.bytes);
        const size_t part = cr ? (size_t)(cr - head.at) : head.bytes;
        memcpy(out + kept, head.at, part);
        kept += part;
        head = fc_span_after(head, cr ? part + 1 : part);
    }
    return kept;
}

fcgi_result_t fcgi_head_next(fc_span_t *head, fcgi_field_t *field)
{
    size_t whole;
    fc_span_t line = first_line(*head, &whole);
    if (line.bytes == 0) {
        return FCGI_MORE;   /* the empty line stays: asking again gives the same answer */
    }
    *head = fc_span_after(*head, whole);

    /* A folded line (obs-fold) fails here too: it starts with white space, which no name may. */
    fc_span_t name = up_to_colon(line);
    if (name.bytes == line.bytes || !is_token(name)) {
        *field = (fcgi_field_t){ .name = line };
        return FCGI_BAD;
    }
    fc_span_t value = fc_span_trim(fc_span_after(line, name.bytes + 1));
    if (!is_field_text(value)) {
        *field = (fcgi_field_t){ .name = line };
        return FCGI_BAD;
    }
    *field = (fcgi_field_t){ name, value };
    return FCGI_OK;
}

fc_span_t fcgi_head_biggest_field(fc_span_t head)
{
    fc_span_t biggest = fc_span(head.at, 0);
    while (head.bytes > 0) {
        size_t whole;
        fc_span_t line = first_line(head, &whole);
        if (line.bytes > biggest.bytes) {
            biggest = line;
        }
        head = fc_span_after(head, whole);
    }
    fc_span_t name = up_to_colon(biggest);
    if (name.bytes > BIGGEST_NAME_BYTES) {
        name.bytes = BIGGEST_NAME_BYTES;
    }
    return name;
}
