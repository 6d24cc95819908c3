/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* record.h - the FastCGI record header: eight bytes before each piece of content.
 * Knows    the layout of FastCGI 1.0, 3.3, 5.1 and 5.5.
 * Ignores  what the content means, sockets, httpd.
 * Memory   keeps nothing.   Threads: any, no state. */
#ifndef FCGI_RECORD_H
#define FCGI_RECORD_H

#include <stdint.h>

#include "span.h"

#define FCGI_RECORD_HEADER_BYTES 8
#define FCGI_RECORD_CONTENT_MAX  65535

/* FastCGI 1.0, 8: type field of a record */
typedef enum {
    FCGI_BEGIN_REQUEST = 1,
    FCGI_ABORT_REQUEST = 2,
    FCGI_END_REQUEST = 3,
    FCGI_PARAMS = 4,
    FCGI_STDIN = 5,
    FCGI_STDOUT = 6,
    FCGI_STDERR = 7,
    FCGI_DATA = 8,
    FCGI_GET_VALUES = 9,
    FCGI_GET_VALUES_RESULT = 10,
    FCGI_UNKNOWN_TYPE = 11
} fcgi_record_type_t;

/* FastCGI 1.0, 5.5: protocolStatus of END_REQUEST */
typedef enum {
    FCGI_REQUEST_COMPLETE = 0,
    FCGI_CANT_MPX_CONN = 1,
    FCGI_OVERLOADED = 2,
    FCGI_UNKNOWN_ROLE = 3
} fcgi_protocol_status_t;

typedef enum {
    FCGI_OK,      /* done */
    FCGI_MORE,    /* ask again with more bytes */
    FCGI_BAD      /* the peer is broken */
} fcgi_result_t;

typedef struct {
    uint8_t type;            /* fcgi_record_type_t, or a number that the standard does not know */
    uint16_t request_id;
    uint16_t content_bytes;  /* excludes padding */
    uint8_t padding_bytes;
} fcgi_record_t;

/** Read one record header from the front of `in`.
 *  in       as it came from the socket: may hold less than a header, or far more
 *  out      written only on FCGI_OK
 *  returns  FCGI_OK    consume FCGI_RECORD_HEADER_BYTES
 *           FCGI_MORE  ask again with more bytes, same start
 *           FCGI_BAD   version is not 1; the connection cannot be trusted any further
 *  source   FastCGI 1.0, 3.3 */
fcgi_result_t fcgi_record_decode(fc_span_t in, fcgi_record_t *out);

/** Write one record header, without padding.
 *  out      FCGI_RECORD_HEADER_BYTES bytes
 *  source   FastCGI 1.0, 3.3 */
void fcgi_record_encode(unsigned char *out, uint8_t type, uint16_t request_id,
                        uint16_t content_bytes);

/** Write a whole BEGIN_REQUEST record for the responder role.
 *  out      2 * FCGI_RECORD_HEADER_BYTES bytes
 *  source   FastCGI 1.0, 5.1 */
void fcgi_record_encode_begin(unsigned char *out, uint16_t request_id, int keep_connection);

#endif
