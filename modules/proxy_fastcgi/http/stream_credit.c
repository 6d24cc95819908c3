/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* stream_credit.c - see stream_credit.h. */
#include "stream_credit.h"

struct fcgi_stream_credit_t {
    apr_bucket_alloc_t *buckets;
    apr_off_t held;
};

/* A bucket without content, which says at its end that so many bytes have gone. */
typedef struct {
    fcgi_stream_credit_t *credit;
    apr_off_t bytes;
} mark_t;

static void give_credit(void *data)
{
    mark_t *mark = data;

    mark->credit->held -= mark->bytes;
    apr_bucket_free(mark);
}

static apr_status_t read_nothing(apr_bucket *bucket, const char **data, apr_size_t *bytes,
                                 apr_read_type_e block)
{
    *data = NULL;
    *bytes = 0;
    return APR_SUCCESS;
}

static const apr_bucket_type_t mark_type = {
    "FCGI_MARK", 5, APR_BUCKET_METADATA, give_credit, read_nothing, apr_bucket_setaside_noop,
    apr_bucket_split_notimpl, apr_bucket_copy_notimpl
};

static void add_mark(fcgi_stream_credit_t *credit, apr_bucket *before, apr_off_t bytes)
{
    mark_t *mark = apr_bucket_alloc(sizeof(*mark), credit->buckets);
    apr_bucket *bucket = apr_bucket_alloc(sizeof(*bucket), credit->buckets);

    *mark = (mark_t){ .credit = credit, .bytes = bytes };
    APR_BUCKET_INIT(bucket);
    bucket->free = apr_bucket_free;
    bucket->list = credit->buckets;
    bucket->type = &mark_type;
    bucket->length = 0;
    bucket->start = 0;
    bucket->data = mark;
    APR_BUCKET_INSERT_BEFORE(before, bucket);
}

fcgi_stream_credit_t *fcgi_stream_credit_make(conn_rec *stream)
{
    fcgi_stream_credit_t *credit = apr_pcalloc(stream->pool, sizeof(*credit));

    credit->buckets = stream->bucket_alloc;
    return credit;
}

apr_status_t fcgi_stream_credit_pass(fcgi_stream_credit_t *credit, ap_filter_t *to,
                                     apr_bucket_brigade *bb, apr_off_t bytes)
{
    if (bytes > 0) {
        credit->held += bytes;
        add_mark(credit, fc_stream_end_of_data(bb), bytes);
    }
    const apr_status_t rv = ap_pass_brigade(to, bb);
    apr_brigade_cleanup(bb);
    return rv;
}

apr_status_t fcgi_stream_credit_ask(fcgi_stream_credit_t *credit, ap_filter_t *to,
                                    apr_bucket_brigade *bb, apr_off_t *held)
{
    apr_status_t rv = APR_SUCCESS;

    if (credit->held > 0) {
        add_mark(credit, APR_BRIGADE_SENTINEL(bb), 0);
        rv = ap_pass_brigade(to, bb);
        apr_brigade_cleanup(bb);
    }
    *held = credit->held;
    return rv;
}
