/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* params.h - lays out name/value pairs as PARAMS records.
 * Knows    the length-prefixed pair and the 65535-byte limit (FastCGI 1.0, 3.3 and 3.4); that
 *          PHP-FPM drops a connection on which a pair crosses a record border.
 * Ignores  httpd, sockets, and which variables exist (cgi_environment.c decides that).
 * Memory   writes into the caller's buffer, keeps nothing.   Threads: any, no state. */
#ifndef FCGI_PARAMS_H
#define FCGI_PARAMS_H

#include "record.h"

typedef struct {
    fc_span_t name;
    fc_span_t value;
} fcgi_pair_t;

/** Bytes that fcgi_params_encode() will write for these pairs.
 *  too_big  set to the index of the first pair that is too big for a record of its own
 *           (its lengths and both strings over FCGI_RECORD_CONTENT_MAX); only on FCGI_BAD
 *  returns  FCGI_OK, FCGI_BAD */
fcgi_result_t fcgi_params_measure(const fcgi_pair_t *pairs, size_t count, size_t *bytes,
                                  size_t *too_big);

/** Write all pairs as PARAMS records, none crossing a record border, and the empty record that
 *  ends them.
 *  out      as many bytes as fcgi_params_measure() said
 *  returns  bytes written
 *  source   FastCGI 1.0, 3.4 and 5.2 */
size_t fcgi_params_encode(const fcgi_pair_t *pairs, size_t count, uint16_t request_id,
                          unsigned char *out);

#endif
