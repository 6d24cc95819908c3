/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* response_head.h - finds the end of a CGI response head and takes its fields apart.
 * Knows    lines ended by LF or CRLF, the empty line, "name: value" (RFC 3875, 6.2 and 6.3).
 * Ignores  what a field means (reply.c decides that).
 * Memory   borrows; keeps nothing but the scan state in the caller's struct.   Threads: any. */
#ifndef FCGI_RESPONSE_HEAD_H
#define FCGI_RESPONSE_HEAD_H

#include "record.h"

/* Where the scan stands between two pieces; all zero at the start. */
typedef struct {
    unsigned char line_has_text;   /* the line holds something, it is not the empty line */
    unsigned char after_cr;        /* the line holds a CR and nothing else so far */
} fcgi_head_scan_t;

/** Look for the empty line that ends a head, in the next piece of it.
 *  used     bytes of `in` that belong to the head, the empty line included
 *  returns  FCGI_OK    the head ends at *used
 *           FCGI_MORE  all of `in` belongs to the head; go on with the next piece */
fcgi_result_t fcgi_head_scan(fcgi_head_scan_t *scan, fc_span_t in, size_t *used);

/** Copy a head without its CRs: lines then end in LF, and a bare CR is gone.
 *  out      room for all of `head`
 *  returns  bytes in `out` */
size_t fcgi_head_drop_crs(fc_span_t head, unsigned char *out);

typedef struct {
    fc_span_t name;    /* without the colon */
    fc_span_t value;   /* without white space around it */
} fcgi_field_t;

/** Take the next field off the front of a whole head.
 *  head     advanced past the line; the empty line ends it
 *  field    on FCGI_BAD, name holds the whole offending line
 *  returns  FCGI_OK, FCGI_MORE when no field is left, FCGI_BAD for a line that is no field: no
 *           colon, an empty name, a name with a byte that is no token character, a NUL or a bare
 *           CR in the value
 *  source   RFC 3875, 6.3; RFC 9110, 5.1 and 5.5 */
fcgi_result_t fcgi_head_next(fc_span_t *head, fcgi_field_t *field);

/** The name of the field that fills a head which was given up unfinished: its longest line.
 *  returns  a span inside `head`, up to the colon, at most 64 bytes; empty for an empty head */
fc_span_t fcgi_head_biggest_field(fc_span_t head);

#endif
