/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* slow_client.c - see slow_client.h. */
#include "slow_client.h"

#include <assert.h>

#include "fastcgi_log.h"
#include "http_log.h"
#include "temporary_file.h"

extern module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;
APLOG_USE_MODULE(proxy_fastcgi);

/* So much httpd keeps without waiting for the client: under FlushMaxThreshold (64 KB), and up to
 * H2StreamMaxMemSize, which is 32 KB, whatever its documentation says. */
#define ROOM_BYTES        61440
#define STREAM_ROOM_BYTES 32768
#define PART_BYTES        16000    /* of what waits in memory: with its header in four pages */
static_assert(PART_BYTES <= STREAM_ROOM_BYTES, "a part can always be passed on");

static const char filter_name[] = "FCGI_SLOW_CLIENT";
static ap_filter_rec_t *filter_record;

static apr_off_t waiting_bytes(const fcgi_slow_client_t *slow)
{
    return slow->memory_bytes + slow->behind_bytes + slow->file_end - slow->file_start;
}

/* All of it, when httpd keeps nothing. */
static apr_off_t full_room(const fcgi_slow_client_t *slow)
{
    return slow->credit ? STREAM_ROOM_BYTES : ROOM_BYTES;
}

/* Most clients are fast enough for the answer never to wait. */
static void make_brigades(fcgi_slow_client_t *slow)
{
    if (!slow->memory) {
        apr_bucket_alloc_t *buckets = slow->r->connection->bucket_alloc;
        slow->memory = apr_brigade_create(slow->r->pool, buckets);
        slow->behind = apr_brigade_create(slow->r->pool, buckets);
        slow->piece = apr_brigade_create(slow->r->pool, buckets);
    }
}

bool fcgi_slow_client_is_behind(const fcgi_slow_client_t *slow)
{
    return waiting_bytes(slow) > 0 || fc_connection_holds_output(slow->r->connection);
}

bool fcgi_slow_client_is_full(const fcgi_slow_client_t *slow)
{
    return waiting_bytes(slow) > slow->limit;
}

/* ---- Taking in ------------------------------------------------------------------------------- */

static apr_status_t append_to_file(fcgi_slow_client_t *slow, const char *data, apr_size_t bytes)
{
    apr_off_t end = slow->file_end;
    apr_status_t rv = APR_SUCCESS;

    if (!slow->file) {
        rv = fcgi_temporary_file_open(&slow->file, slow->r->pool);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_file_seek(slow->file, APR_SET, &end);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_file_write_full(slow->file, data, bytes, NULL);
    }
    if (rv == APR_SUCCESS) {
        slow->file_end += (apr_off_t)bytes;
    }
    return rv;
}

static void append_to_memory(fcgi_slow_client_t *slow, apr_bucket_brigade *bb, const char *data,
                             apr_size_t bytes)
{
    while (bytes > 0) {
        const apr_size_t part = bytes < PART_BYTES ? bytes : PART_BYTES;
        APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_heap_create(data, part, NULL,
                                                           slow->r->connection->bucket_alloc));
        data += part;
        bytes -= part;
    }
}

static bool file_has_data(const fcgi_slow_client_t *slow)
{
    return slow->file_end > slow->file_start;
}

/* What is in hand is kept whatever happens, and no more is asked for until it has gone. */
static void give_file_up(fcgi_slow_client_t *slow, apr_status_t rv)
{
    slow->file_has_failed = true;
    slow->limit = 0;
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, rv, slow->r, FCLOGNO(0222)
                  "cannot buffer the response for a slow client (is there space in the temporary "
                  "directory, TMPDIR?); the backend waits for the client");
}

static bool goes_to_file(fcgi_slow_client_t *slow, const char *data, apr_size_t bytes)
{
    if (slow->file_has_failed
        || (!file_has_data(slow)
            && slow->memory_bytes + (apr_off_t)bytes <= FCGI_SLOW_CLIENT_MEMORY_BYTES)) {
        return false;
    }
    const apr_status_t rv = append_to_file(slow, data, bytes);
    if (rv != APR_SUCCESS) {
        give_file_up(slow, rv);
    }
    return rv == APR_SUCCESS;
}

static apr_status_t take_in(fcgi_slow_client_t *slow, apr_bucket *bucket)
{
    const char *data;
    apr_size_t bytes;
    const apr_status_t rv = apr_bucket_read(bucket, &data, &bytes, APR_BLOCK_READ);

    if (rv != APR_SUCCESS || goes_to_file(slow, data, bytes)) {
        return rv;
    }
    if (file_has_data(slow)) {
        append_to_memory(slow, slow->behind, data, bytes);
        slow->behind_bytes += (apr_off_t)bytes;
    }
    else {
        append_to_memory(slow, slow->memory, data, bytes);
        slow->memory_bytes += (apr_off_t)bytes;
    }
    return APR_SUCCESS;
}

/* ---- Giving back, in order ------------------------------------------------------------------- */

static apr_off_t piece_of_memory(fcgi_slow_client_t *slow)
{
    apr_off_t moved = 0;

    while (!APR_BRIGADE_EMPTY(slow->memory)) {
        apr_bucket *bucket = APR_BRIGADE_FIRST(slow->memory);
        if (moved + (apr_off_t)bucket->length > full_room(slow)) {
            break;
        }
        moved += (apr_off_t)bucket->length;
        APR_BUCKET_REMOVE(bucket);
        APR_BRIGADE_INSERT_TAIL(slow->piece, bucket);
    }
    slow->memory_bytes -= moved;
    return moved;
}

/* returns  0 with slow->error */
static apr_off_t piece_of_file(fcgi_slow_client_t *slow)
{
    const apr_off_t left = slow->file_end - slow->file_start;
    const apr_size_t bytes = (apr_size_t)(left < full_room(slow) ? left : full_room(slow));
    apr_bucket_alloc_t *buckets = slow->r->connection->bucket_alloc;
    apr_off_t start = slow->file_start;
    char *data = apr_bucket_alloc(bytes, buckets);

    slow->error = apr_file_seek(slow->file, APR_SET, &start);
    if (slow->error == APR_SUCCESS) {
        slow->error = apr_file_read_full(slow->file, data, bytes, NULL);
    }
    if (slow->error != APR_SUCCESS) {
        apr_bucket_free(data);
        return 0;
    }
    APR_BRIGADE_INSERT_TAIL(slow->piece,
                            apr_bucket_heap_create(data, bytes, apr_bucket_free, buckets));
    slow->file_start += (apr_off_t)bytes;
    if (slow->file_start == slow->file_end) {
        slow->file_start = slow->file_end = 0;
        (void)apr_file_trunc(slow->file, 0);
    }
    return (apr_off_t)bytes;
}

/* Move the next piece of what waits to slow->piece.
 * returns  its bytes */
static apr_off_t next_piece(fcgi_slow_client_t *slow)
{
    if (slow->memory_bytes == 0 && file_has_data(slow)) {
        return piece_of_file(slow);
    }
    if (slow->memory_bytes == 0) {
        APR_BRIGADE_CONCAT(slow->memory, slow->behind);
        slow->memory_bytes = slow->behind_bytes;
        slow->behind_bytes = 0;
    }
    return piece_of_memory(slow);
}

/* All of it, in front of bb. */
static void give_rest(fcgi_slow_client_t *slow, apr_bucket_brigade *bb)
{
    const apr_off_t in_file = slow->file_end - slow->file_start;

    APR_BRIGADE_PREPEND(bb, slow->behind);
    if (in_file > 0) {
        apr_bucket *last = apr_brigade_insert_file(slow->piece, slow->file,
                                                   slow->file_start, in_file, slow->r->pool);
        /* what cannot be read is then an error, and no signal that ends the process */
        (void)apr_bucket_file_enable_mmap(last, 0);
        APR_BRIGADE_PREPEND(bb, slow->piece);
        slow->file = NULL;    /* the bucket may take it over */
    }
    APR_BRIGADE_PREPEND(bb, slow->memory);
    slow->memory_bytes = slow->behind_bytes = slow->file_start = slow->file_end = 0;
}

/* ---- Passing on ------------------------------------------------------------------------------ */

/* Bytes; -1: there is one that does not know its length. */
static apr_off_t length_of(apr_bucket_brigade *bb)
{
    apr_off_t bytes = 0;
    return apr_brigade_length(bb, 0, &bytes) == APR_SUCCESS ? bytes : -1;
}

static apr_status_t pass_on(fcgi_slow_client_t *slow, apr_bucket_brigade *bb, apr_off_t bytes)
{
    if (slow->credit) {
        return fcgi_stream_credit_pass(slow->credit, slow->filter->next, bb, bytes);
    }
    const apr_status_t rv = ap_pass_brigade(slow->filter->next, bb);
    apr_brigade_cleanup(bb);
    return rv;
}

/* Let the core write what it holds. */
static apr_status_t drain_core(const fcgi_slow_client_t *slow)
{
    ap_filter_t *core = slow->filter->next;

    if (!fc_connection_holds_output(slow->r->connection)) {
        return APR_SUCCESS;
    }
    while (core->next) {
        core = core->next;
    }
    return core->frec->filter_func.out_func(core, NULL);
}

/* How much can be passed on now without waiting. */
static apr_status_t look_for_room(fcgi_slow_client_t *slow, apr_off_t *room)
{
    const apr_off_t full = full_room(slow);
    apr_off_t held = 0;
    apr_status_t rv;

    if (slow->credit) {
        rv = fcgi_stream_credit_ask(slow->credit, slow->filter->next, slow->piece, &held);
    }
    else {
        rv = drain_core(slow);
        held = fc_connection_holds_output(slow->r->connection) ? full : 0;
    }
    *room = held < full ? full - held : 0;
    return rv;
}

apr_status_t fcgi_slow_client_resume(fcgi_slow_client_t *slow)
{
    make_brigades(slow);
    for (;;) {
        apr_off_t room;
        apr_status_t rv = look_for_room(slow, &room);

        if (rv != APR_SUCCESS || room < full_room(slow) || waiting_bytes(slow) == 0) {
            return rv;
        }
        const apr_off_t bytes = next_piece(slow);
        rv = slow->error == APR_SUCCESS ? pass_on(slow, slow->piece, bytes) : slow->error;
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
}

/* Pass on what there is room for, and take in the rest. */
static apr_status_t sort(fcgi_slow_client_t *slow, apr_bucket_brigade *bb, apr_off_t room)
{
    apr_off_t passed = 0;
    apr_status_t rv = APR_SUCCESS;

    make_brigades(slow);
    while (rv == APR_SUCCESS && !APR_BRIGADE_EMPTY(bb)) {
        apr_bucket *bucket = APR_BRIGADE_FIRST(bb);
        const bool fits = APR_BUCKET_IS_METADATA(bucket)
                          || (apr_off_t)bucket->length <= room - passed;
        if (fits && waiting_bytes(slow) == 0) {
            passed += (apr_off_t)bucket->length;
            APR_BUCKET_REMOVE(bucket);
            APR_BRIGADE_INSERT_TAIL(slow->piece, bucket);
        }
        else if (APR_BUCKET_IS_FLUSH(bucket)) {
            apr_bucket_delete(bucket);    /* what waits is passed on as soon as may be */
        }
        else if (APR_BUCKET_IS_METADATA(bucket)) {    /* an end: it has to keep its place */
            give_rest(slow, bb);
            APR_BRIGADE_PREPEND(bb, slow->piece);
            return pass_on(slow, bb, 0);
        }
        else {
            rv = take_in(slow, bucket);
            apr_bucket_delete(bucket);
        }
    }
    apr_brigade_cleanup(bb);
    return rv == APR_SUCCESS ? pass_on(slow, slow->piece, passed) : rv;
}

/* For HTTP/1 a flush would wait until the client has all of it.
 * returns  was there one? */
static bool take_flushes_out(apr_bucket_brigade *bb)
{
    bool found = false;

    for (apr_bucket *next, *b = APR_BRIGADE_FIRST(bb); b != APR_BRIGADE_SENTINEL(bb); b = next) {
        next = APR_BUCKET_NEXT(b);
        if (APR_BUCKET_IS_FLUSH(b)) {
            apr_bucket_delete(b);
            found = true;
        }
    }
    return found;
}

static apr_status_t pass_or_keep(fcgi_slow_client_t *slow, apr_bucket_brigade *bb)
{
    const bool is_to_be_written = !slow->credit && take_flushes_out(bb);
    const apr_off_t bytes = length_of(bb);
    apr_off_t room = 0;

    slow->has_seen_data |= bytes != 0;
    apr_status_t rv = waiting_bytes(slow) == 0 ? look_for_room(slow, &room) : APR_SUCCESS;

    if (rv == APR_SUCCESS) {
        rv = bytes >= 0 && bytes <= room ? pass_on(slow, bb, bytes) : sort(slow, bb, room);
    }
    if (rv == APR_SUCCESS && waiting_bytes(slow) > 0) {
        return fcgi_slow_client_resume(slow);
    }
    return rv == APR_SUCCESS && is_to_be_written ? drain_core(slow) : rv;
}

static apr_status_t filter_out(ap_filter_t *filter, apr_bucket_brigade *bb)
{
    fcgi_slow_client_t *slow = filter->ctx;

    return slow && bb ? pass_or_keep(slow, bb) : ap_pass_brigade(filter->next, bb);
}

apr_status_t fcgi_slow_client_pass(fcgi_slow_client_t *slow, apr_bucket_brigade *bb)
{
    const apr_status_t rv = ap_pass_brigade(slow->r->output_filters, bb);
    apr_brigade_cleanup(bb);
    return rv;
}

/* ---- Begin and end --------------------------------------------------------------------------- */

static apr_status_t leave(void *data)
{
    fcgi_slow_client_t *slow = data;

    if (slow->filter && slow->filter->ctx == slow) {
        slow->filter->ctx = NULL;
    }
    return APR_SUCCESS;
}

/* One for each connection, for all its requests: httpd cannot take it out again while a request's
 * filters lie before it. */
static ap_filter_t *filter_of(request_rec *r)
{
    ap_filter_t *filter = r->connection->output_filters;

    while (filter && filter->frec != filter_record) {
        filter = filter->next;
    }
    return filter ? filter
                  : ap_add_output_filter_handle(filter_record, NULL, r, r->connection);
}

void fcgi_slow_client_begin(fcgi_slow_client_t *slow, request_rec *r, apr_off_t limit)
{
    conn_rec *c = r->connection;

    *slow = (fcgi_slow_client_t){ .r = r, .limit = limit, .filter = filter_of(r) };
    slow->credit = c->master ? fcgi_stream_credit_make(c) : NULL;
    if (slow->credit) {
        make_brigades(slow);
    }
    slow->filter->ctx = slow;
    apr_pool_cleanup_register(r->pool, slow, leave, apr_pool_cleanup_null);
}

void fcgi_slow_client_end(fcgi_slow_client_t *slow, bool is_lost)
{
    if (!slow->filter || slow->filter->ctx != slow) {
        return;
    }
    slow->filter->ctx = NULL;
    if (waiting_bytes(slow) > 0 && slow->error == APR_SUCCESS && !is_lost) {
        apr_bucket_brigade *rest = apr_brigade_create(slow->r->pool,
                                                      slow->r->connection->bucket_alloc);
        give_rest(slow, rest);
        (void)pass_on(slow, rest, 0);
    }
}

void fcgi_slow_client_register(void)
{
    filter_record =
        ap_register_output_filter(filter_name, filter_out, NULL, AP_FTYPE_NETWORK - 1);
}
