/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* util_filter.h - see httpd.h of this folder. */
#ifndef FC_COMPAT_UTIL_FILTER_H
#define FC_COMPAT_UTIL_FILTER_H

#include_next "util_filter.h"

#include <stdbool.h>

#include "httpd.h"

/* Does httpd hold output that the client has not taken yet? */
static inline bool fc_connection_holds_output(const conn_rec *c)
{
#if FC_HTTPD_IS_2_5    /* each filter knows it; the last one writes */
    ap_filter_t *last = c->output_filters;

    while (last->next) {
        last = last->next;
    }
    return ap_filter_should_yield(last);
#else
    return c->data_in_output_filters;
#endif
}

/* Before which bucket of `bb`, which has content, does one without content come back from mod_http2
 * when all content has gone? Before 2.4.55 it came back only together with content behind it: then
 * that is the last byte. */
static inline apr_bucket *fc_stream_end_of_data(apr_bucket_brigade *bb)
{
#if FC_HTTPD_HAS(125, 0)    /* 2.4.55 */
    return APR_BRIGADE_SENTINEL(bb);
#else
    apr_bucket *last = APR_BRIGADE_LAST(bb);

    while (APR_BUCKET_IS_METADATA(last) || last->length == 0) {
        last = APR_BUCKET_PREV(last);
    }
    return last->length > 1 && apr_bucket_split(last, last->length - 1) == APR_SUCCESS
               ? APR_BUCKET_NEXT(last)
               : last;
#endif
}

#endif
