/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* absorb.c - see absorb.h. */
#include "absorb.h"

#include "fastcgi_log.h"
#include "http_log.h"
#include "temporary_file.h"
#include "util_filter.h"

extern module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;
APLOG_USE_MODULE(proxy_fastcgi);

/* Under FlushMaxThreshold (64 KB): httpd's core keeps so much without waiting for the client. */
#define PIECE_BYTES 49152

void fcgi_absorb_init(fcgi_absorb_t *absorb, request_rec *r, apr_off_t limit)
{
    /* An HTTP/2 stream has no socket of its own to look at. */
    *absorb = (fcgi_absorb_t){ .r = r, .limit = r->connection->master ? 0 : limit };
}

static bool has_waiting(const fcgi_absorb_t *absorb)
{
    return absorb->memory_bytes > 0 || absorb->file_end > absorb->file_start;
}

bool fcgi_absorb_is_behind(const fcgi_absorb_t *absorb)
{
    return absorb->limit > 0
           && (has_waiting(absorb) || absorb->r->connection->data_in_output_filters);
}

/* ---- Taking in ------------------------------------------------------------------------------- */

static apr_status_t append_to_file(fcgi_absorb_t *absorb, const char *data, apr_size_t bytes)
{
    apr_off_t end = absorb->file_end;
    apr_status_t rv = APR_SUCCESS;

    if (!absorb->file) {
        rv = fcgi_temporary_file_open(&absorb->file, 0, absorb->r->pool);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_file_seek(absorb->file, APR_SET, &end);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_file_write_full(absorb->file, data, bytes, NULL);
    }
    if (rv == APR_SUCCESS) {
        absorb->file_end += (apr_off_t)bytes;
    }
    return rv;
}

static void append_to_memory(fcgi_absorb_t *absorb, const char *data, apr_size_t bytes)
{
    conn_rec *c = absorb->r->connection;

    if (!absorb->memory) {
        absorb->memory = apr_brigade_create(absorb->r->pool, c->bucket_alloc);
    }
    APR_BRIGADE_INSERT_TAIL(absorb->memory,
                            apr_bucket_heap_create(data, bytes, NULL, c->bucket_alloc));
    absorb->memory_bytes += (apr_off_t)bytes;
}

static apr_status_t take_in(fcgi_absorb_t *absorb, apr_bucket *bucket)
{
    const char *data;
    apr_size_t bytes;
    apr_status_t rv = apr_bucket_read(bucket, &data, &bytes, APR_BLOCK_READ);

    if (rv != APR_SUCCESS || bytes == 0) {
        return rv;
    }
    if (absorb->file_end > absorb->file_start
        || absorb->memory_bytes + (apr_off_t)bytes > FCGI_ABSORB_MEMORY_BYTES) {
        rv = append_to_file(absorb, data, bytes);
    }
    else {
        append_to_memory(absorb, data, bytes);
    }
    const apr_off_t waiting = absorb->memory_bytes + absorb->file_end - absorb->file_start;
    if (waiting >= absorb->limit) {
        absorb->is_full = true;
    }
    if (rv != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, rv, absorb->r, FCLOGNO(0222)
                      "cannot take in the answer for a slow client (is there room in the temporary "
                      "folder, TMPDIR?); the backend waits for the client");
    }
    return rv;
}

/* ---- Passing on ------------------------------------------------------------------------------ */

static apr_status_t pass(fcgi_absorb_t *absorb, apr_bucket_brigade *bb)
{
    const apr_status_t rv = ap_pass_brigade(absorb->r->output_filters, bb);
    apr_brigade_cleanup(bb);
    return rv;
}

apr_status_t fcgi_absorb_pass(fcgi_absorb_t *absorb, apr_bucket_brigade *bb)
{
    if (!fcgi_absorb_is_behind(absorb) || absorb->is_full) {
        fcgi_absorb_give_rest(absorb, bb);
        absorb->is_full = false;
        return pass(absorb, bb);
    }
    while (!APR_BRIGADE_EMPTY(bb)) {
        apr_bucket *bucket = APR_BRIGADE_FIRST(bb);
        if (!APR_BUCKET_IS_METADATA(bucket) && take_in(absorb, bucket) != APR_SUCCESS) {
            absorb->limit = 0;    /* no more of this: what waits, and the rest, goes by waiting */
            fcgi_absorb_give_rest(absorb, bb);
            return pass(absorb, bb);
        }
        apr_bucket_delete(bucket);
    }
    return APR_SUCCESS;
}

/* Let the core write what it holds.
 * returns  is it all written? */
static bool core_is_drained(conn_rec *c)
{
    ap_filter_t *last = c->output_filters;

    if (!c->data_in_output_filters) {
        return true;
    }
    while (last->next) {
        last = last->next;
    }
    return last->frec->filter_func.out_func(last, NULL) != APR_SUCCESS
           || !c->data_in_output_filters;
}

static void piece_of_memory(fcgi_absorb_t *absorb, apr_bucket_brigade *piece)
{
    apr_off_t moved = 0;

    while (!APR_BRIGADE_EMPTY(absorb->memory)) {
        apr_bucket *bucket = APR_BRIGADE_FIRST(absorb->memory);
        if (moved > 0 && moved + (apr_off_t)bucket->length > PIECE_BYTES) {
            break;
        }
        moved += (apr_off_t)bucket->length;
        APR_BUCKET_REMOVE(bucket);
        APR_BRIGADE_INSERT_TAIL(piece, bucket);
    }
    absorb->memory_bytes -= moved;
}

static apr_status_t piece_of_file(fcgi_absorb_t *absorb, apr_bucket_brigade *piece)
{
    const apr_off_t left = absorb->file_end - absorb->file_start;
    const apr_size_t bytes = left < PIECE_BYTES ? (apr_size_t)left : PIECE_BYTES;
    apr_off_t start = absorb->file_start;
    char *data = malloc(bytes);

    if (!data) {
        return APR_ENOMEM;
    }
    apr_status_t rv = apr_file_seek(absorb->file, APR_SET, &start);
    if (rv == APR_SUCCESS) {
        rv = apr_file_read_full(absorb->file, data, bytes, NULL);
    }
    APR_BRIGADE_INSERT_TAIL(piece,
                            apr_bucket_heap_create(data, bytes, free,
                                                   absorb->r->connection->bucket_alloc));
    absorb->file_start += (apr_off_t)bytes;
    if (absorb->file_start == absorb->file_end) {
        absorb->file_start = absorb->file_end = 0;
        (void)apr_file_trunc(absorb->file, 0);
    }
    return rv;
}

static apr_status_t next_piece(fcgi_absorb_t *absorb, apr_bucket_brigade *piece)
{
    if (absorb->memory_bytes == 0) {
        return piece_of_file(absorb, piece);
    }
    piece_of_memory(absorb, piece);
    return APR_SUCCESS;
}

apr_status_t fcgi_absorb_resume(fcgi_absorb_t *absorb)
{
    request_rec *r = absorb->r;
    apr_status_t rv = APR_SUCCESS;

    while (rv == APR_SUCCESS && core_is_drained(r->connection) && has_waiting(absorb)) {
        apr_bucket_brigade *piece = apr_brigade_create(r->pool, r->connection->bucket_alloc);
        rv = next_piece(absorb, piece);
        if (rv == APR_SUCCESS) {
            rv = pass(absorb, piece);
        }
        apr_brigade_destroy(piece);
    }
    return rv;
}

void fcgi_absorb_give_rest(fcgi_absorb_t *absorb, apr_bucket_brigade *bb)
{
    const apr_off_t left = absorb->file_end - absorb->file_start;

    if (left > 0) {
        apr_bucket_brigade *tail =
            apr_brigade_create(absorb->r->pool, absorb->r->connection->bucket_alloc);
        apr_brigade_insert_file(tail, absorb->file, absorb->file_start, left, absorb->r->pool);
        APR_BRIGADE_PREPEND(bb, tail);
        absorb->file = NULL;    /* the bucket may take it over; the next file is a new one */
        absorb->file_start = absorb->file_end = 0;
    }
    if (absorb->memory_bytes > 0) {
        APR_BRIGADE_PREPEND(bb, absorb->memory);
        absorb->memory_bytes = 0;
    }
}
