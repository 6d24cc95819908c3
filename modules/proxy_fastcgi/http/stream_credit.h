/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* stream_credit.h - how much of what was given to an HTTP/2 stream mod_http2 still holds.
 * Knows    that mod_http2 takes metadata always, without waiting, in their order, and gives back
 *          what it is done with when more comes (see fc_stream_end_of_data()).
 * Ignores  what the data are.
 * Memory   one small struct in the pool of the stream's connection.
 * Threads  the stream's own.
 *
 * Why: whoever gives mod_http2 more than H2StreamMaxMemSize waits in it for the client, and nothing
 * tells how much it holds. So a mark goes behind each piece: when it comes back, the piece has
 * gone. */
#ifndef FCGI_STREAM_CREDIT_H
#define FCGI_STREAM_CREDIT_H

#include "httpd.h"
#include "util_filter.h"

typedef struct fcgi_stream_credit_t fcgi_stream_credit_t;

fcgi_stream_credit_t *fcgi_stream_credit_make(conn_rec *stream);

/** Give `bb`, of so many bytes, to the filter that belongs to mod_http2. It waits when that has no
 *  room. `bb` is empty afterwards. */
apr_status_t fcgi_stream_credit_pass(fcgi_stream_credit_t *credit, ap_filter_t *to,
                                     apr_bucket_brigade *bb, apr_off_t bytes);

/** How many bytes it holds; asks when it is not known to be none.
 *  bb       empty, and so afterwards
 *  returns  the filter's status */
apr_status_t fcgi_stream_credit_ask(fcgi_stream_credit_t *credit, ap_filter_t *to,
                                    apr_bucket_brigade *bb, apr_off_t *held);

#endif
