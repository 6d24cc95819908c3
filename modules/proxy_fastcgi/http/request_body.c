/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* request_body.c - see request_body.h. */
#include "request_body.h"

#include "apr_portable.h"
#include "apr_strings.h"
#include "fastcgi_log.h"
#include "http_log.h"
#include "http_protocol.h"
#include "large_reads.h"
#include "temporary_file.h"
#include "util_filter.h"

/* Written at once: for 8 MB, ext4 needs 2.2 ms of CPU in such pieces, 3.0 in 64 KB, and 4.2 in
 * those off its pages; copying them together, 0.4. */
#define WRITE_BYTES      (256 * 1024)
#define FILE_PIECE_BYTES (1 << 20)    /* given at once, between two looks at an early answer */

extern module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;
APLOG_USE_MODULE(proxy_fastcgi);

/* ---- Preparing ------------------------------------------------------------------------------ */

static bool length_is_known(request_rec *r)
{
    /* A filter above the protocol's own (inflate, say) may change the length. */
    return !apr_table_get(r->headers_in, "Transfer-Encoding")
           && apr_table_get(r->headers_in, "Content-Length")
           && r->input_filters == r->proto_input_filters;
}

/* As much as the rest of the body may need. */
static size_t room_for_rest(const fcgi_request_body_t *body, apr_off_t most)
{
    const apr_off_t rest = body->length - body->memory_bytes;
    return (size_t)(rest > 0 && rest < most ? rest : most);
}

static void need_buffer(fcgi_request_body_t *body)
{
    if (!body->buffer) {
        body->buffer_room = room_for_rest(body, WRITE_BYTES);
        body->buffer = apr_palloc(body->r->pool, body->buffer_room);
    }
}

static int spool_failed(fcgi_request_body_t *body, apr_status_t rv)
{
    body->source.has_failed = true;
    ap_log_rerror(APLOG_MARK, APLOG_ERR, rv, body->r, FCLOGNO(0220)
                  "cannot spool the request body: is there space in the temporary directory "
                  "(TMPDIR), and can httpd write to it?");
    return HTTP_INTERNAL_SERVER_ERROR;
}

/* Not through APR's own buffer: that says at the next seek only that a write has failed, and may
 * take a short one for a whole one. */
static apr_status_t write_spool(fcgi_request_body_t *body, const void *data, size_t bytes)
{
    body->file_bytes += (apr_off_t)bytes;
    return apr_file_write_full(body->file, data, bytes, NULL);
}

/* Write what is buffered. */
static apr_status_t flush_spool(fcgi_request_body_t *body)
{
    const size_t bytes = body->buffered_bytes;

    body->buffered_bytes = 0;
    return bytes ? write_spool(body, body->buffer, bytes) : APR_SUCCESS;
}

/* returns  how many bytes of it were taken */
static size_t buffer(fcgi_request_body_t *body, const char *data, size_t bytes)
{
    need_buffer(body);
    const size_t room = body->buffer_room - body->buffered_bytes;
    const size_t part = bytes < room ? bytes : room;
    memcpy(body->buffer + body->buffered_bytes, data, part);
    body->buffered_bytes += part;
    return part;
}

static apr_status_t store_in_file(fcgi_request_body_t *body, const char *data, size_t bytes)
{
    apr_status_t rv =
        body->file ? APR_SUCCESS : fcgi_temporary_file_open(&body->file, body->r->pool);

    while (rv == APR_SUCCESS && bytes > 0) {
        const bool is_piece = body->buffered_bytes == 0 && bytes >= WRITE_BYTES;
        const size_t part = is_piece ? WRITE_BYTES : buffer(body, data, bytes);
        if (is_piece) {
            rv = write_spool(body, data, part);
        }
        else if (body->buffered_bytes == body->buffer_room) {
            rv = flush_spool(body);
        }
        data += part;
        bytes -= part;
    }
    return rv;
}

static apr_off_t memory_left(const fcgi_request_body_t *body)
{
    return body->memory_limit - body->memory_bytes;
}

static void add_block(fcgi_request_body_t *body)
{
    const apr_off_t left = memory_left(body);
    const size_t room =
        room_for_rest(body, left < FCGI_BODY_BLOCK_BYTES ? left : FCGI_BODY_BLOCK_BYTES);
    fcgi_body_block_t *block = apr_palloc(body->r->pool, sizeof(*block) + room);
    *block = (fcgi_body_block_t){ .room = room };
    if (body->last_block) {
        body->last_block->next = block;
    }
    else {
        body->first_block = body->giving = block;
    }
    body->last_block = block;
}

/* returns  bytes that found room */
static size_t store_in_memory(fcgi_request_body_t *body, const char *data, size_t bytes)
{
    size_t stored = 0;

    while (stored < bytes) {
        if (!body->last_block || body->last_block->bytes == body->last_block->room) {
            if (memory_left(body) <= 0) {
                break;
            }
            add_block(body);
        }
        fcgi_body_block_t *block = body->last_block;
        const size_t room = block->room - block->bytes;
        const size_t part = bytes - stored < room ? bytes - stored : room;
        memcpy(block->data + block->bytes, data + stored, part);
        block->bytes += part;
        body->memory_bytes += (apr_off_t)part;
        stored += part;
    }
    return stored;
}

/* Put a piece behind what is there: to memory while there is room, then to the file. */
static apr_status_t store(fcgi_request_body_t *body, const char *data, apr_size_t bytes)
{
    const size_t stored = store_in_memory(body, data, bytes);
    return stored < bytes ? store_in_file(body, data + stored, bytes - stored) : APR_SUCCESS;
}

static apr_off_t stored_bytes(const fcgi_request_body_t *body)
{
    return body->memory_bytes + body->file_bytes + (apr_off_t)body->buffered_bytes;
}

static int too_large(const fcgi_request_body_t *body)
{
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, body->r, FCLOGNO(0221)
                  "the request body is larger than ProxyFCGISpoolLimit (%" APR_OFF_T_FMT
                  " bytes)",
                  body->limit);
    return HTTP_REQUEST_ENTITY_TOO_LARGE;
}

/* Store all buckets of `incoming` and empty it. */
static int store_incoming(fcgi_request_body_t *body, bool *is_complete)
{
    int rc = OK;

    while (rc == OK && !APR_BRIGADE_EMPTY(body->incoming)) {
        apr_bucket *bucket = APR_BRIGADE_FIRST(body->incoming);
        const char *data;
        apr_size_t bytes;

        if (APR_BUCKET_IS_EOS(bucket)) {
            *is_complete = true;
        }
        else if (!APR_BUCKET_IS_METADATA(bucket)) {
            apr_status_t rv = apr_bucket_read(bucket, &data, &bytes, APR_BLOCK_READ);
            if (rv != APR_SUCCESS) {
                return ap_map_http_request_error(rv, HTTP_BAD_REQUEST);
            }
            if (stored_bytes(body) + (apr_off_t)bytes > body->limit) {
                rc = too_large(body);
                break;
            }
            rv = store(body, data, bytes);
            rc = rv == APR_SUCCESS ? OK : spool_failed(body, rv);
        }
        apr_bucket_delete(bucket);
    }
    apr_brigade_cleanup(body->incoming);
    return rc;
}

/* How much to read at once. What comes in whole pieces is written to the file as it is. */
static apr_off_t wanted_bytes(const fcgi_request_body_t *body)
{
    const apr_off_t left = memory_left(body);

    return left > 0 ? (left < FCGI_BODY_BLOCK_BYTES ? left : FCGI_BODY_BLOCK_BYTES)
                    : WRITE_BYTES - (apr_off_t)body->buffered_bytes;
}

/* Read until the body ends, memory is full, or (without `wait`) the client pauses. */
static int read_ahead(fcgi_request_body_t *body, bool wait, bool *is_complete)
{
    request_rec *r = body->r;

    while (!*is_complete) {
        if (!wait && memory_left(body) <= 0) {
            return OK;
        }
        const apr_off_t wanted = wanted_bytes(body);
        if (wait) {
            fcgi_large_reads_begin(r->connection, (apr_size_t)wanted);
        }
        const apr_status_t rv =
            ap_get_brigade(r->input_filters, body->incoming, AP_MODE_READBYTES,
                           wait ? APR_BLOCK_READ : APR_NONBLOCK_READ, wanted);
        if (!wait
            && (APR_STATUS_IS_EAGAIN(rv)
                || (rv == APR_SUCCESS && APR_BRIGADE_EMPTY(body->incoming)))) {
            return OK;
        }
        if (rv != APR_SUCCESS) {
            body->error = rv;
            return ap_map_http_request_error(rv, HTTP_BAD_REQUEST);
        }
        const int rc = store_incoming(body, is_complete);
        if (rc != OK) {
            return rc;
        }
    }
    return OK;
}

/* The length is what it is known to be now: what the client has said may be wrong, as a filter may
 * have changed it. */
static void state_length(fcgi_request_body_t *body, bool is_complete)
{
    request_rec *r = body->r;

    body->is_read = is_complete;
    if (is_complete) {
        apr_table_setn(r->headers_in, "Content-Length",
                       apr_off_t_toa(r->pool, stored_bytes(body)));
        apr_table_unset(r->headers_in, "Transfer-Encoding");
    }
    else if (!body->must_wait && !body->length_is_known) {
        apr_table_unset(r->headers_in, "Content-Length");
    }
}

/* returns  OK with body->limit, or 413 */
static int choose_way(fcgi_request_body_t *body, const fcgi_request_body_rules_t *rules,
                      bool *spools)
{
    const char *length = apr_table_get(body->r->headers_in, "Content-Length");

    body->limit = rules->limit;
    body->length_is_known =
        length_is_known(body->r) && ap_parse_strict_length(&body->length, length);
    *spools = rules->spools || (!body->length_is_known && rules->spools_unknown);
    if (*spools && body->length_is_known && body->length > rules->limit) {
        *spools = !rules->streams_over_limit;
    }
    body->memory_limit = *spools ? rules->memory : FCGI_BODY_BLOCK_BYTES;
    if (!*spools) {
        body->limit = APR_INT64_MAX;
    }
    return body->length_is_known && body->length > body->limit ? too_large(body) : OK;
}

int fcgi_request_body_begin(fcgi_request_body_t *body, request_rec *r,
                            const fcgi_request_body_rules_t *rules)
{
    bool is_complete = false, spools;

    *body = (fcgi_request_body_t){ .r = r };
    if (!fc_request_has_body(r)) {
        body->is_read = true;
        return OK;
    }
    int rc = choose_way(body, rules, &spools);
    if (rc != OK) {
        return rc;
    }
    body->incoming = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    rc = read_ahead(body, false, &is_complete);
    body->must_wait = spools && !is_complete;
    body->client_has_more = !spools && !is_complete;
    state_length(body, is_complete);
    return rc;
}

int fcgi_request_body_spool(fcgi_request_body_t *body)
{
    bool is_complete = false;

    int rc = read_ahead(body, true, &is_complete);
    fcgi_large_reads_end(body->r->connection);
    if (rc == OK) {
        const apr_status_t rv = flush_spool(body);
        rc = rv == APR_SUCCESS ? OK : spool_failed(body, rv);
    }
    body->must_wait = false;
    state_length(body, is_complete);
    return rc;
}

/* ---- Sending -------------------------------------------------------------------------------- */

static void next_of_memory(fcgi_request_body_t *body, fc_span_t *piece)
{
    if (body->giving) {
        *piece = fc_span(body->giving->data, body->giving->bytes);
        body->giving = body->giving->next;
    }
    body->memory_is_given = !body->giving;
}

static apr_status_t copy_of_file(fcgi_request_body_t *body, apr_size_t bytes)
{
    apr_off_t start = body->file_given;
    apr_status_t rv = apr_file_seek(body->file, APR_SET, &start);

    if (rv == APR_SUCCESS) {
        rv = apr_file_read_full(body->file, body->buffer, bytes, NULL);
    }
    body->source.has_failed = rv != APR_SUCCESS;
    return rv;
}

static apr_status_t next_of_file(fcgi_request_body_t *body, fc_span_t *piece)
{
    const apr_off_t left = body->file_bytes - body->file_given;

    if (body->is_copied) {
        need_buffer(body);
    }
    const apr_off_t most = body->is_copied ? (apr_off_t)body->buffer_room : FILE_PIECE_BYTES;
    const apr_size_t bytes = (apr_size_t)(left < most ? left : most);
    apr_status_t rv;

    if (body->is_copied) {
        rv = copy_of_file(body, bytes);
        *piece = fc_span(body->buffer, bytes);
    }
    else {
        rv = apr_os_file_get(&body->source.fd, body->file);
        body->source.offset = body->file_given;
        *piece = fc_span(NULL, bytes);
    }
    body->file_given += (apr_off_t)bytes;
    return rv;
}

/* Forget the bucket that the last call has given. */
static void drop_given(fcgi_request_body_t *body)
{
    if (body->client_piece_is_given) {
        apr_bucket *given = APR_BRIGADE_FIRST(body->incoming);
        apr_bucket_delete(given);
        body->client_piece_is_given = false;
    }
}

/* httpd says 100 Continue itself only in a read that waits. */
static void ask_client(request_rec *r)
{
    const int status = r->status;

    r->status = HTTP_CONTINUE;
    ap_send_interim_response(r, 0);
    r->status = status;
}

static apr_status_t fetch_from_client(fcgi_request_body_t *body, bool may_wait)
{
    const apr_read_type_e how = may_wait ? APR_BLOCK_READ : APR_NONBLOCK_READ;
    apr_status_t rv = ap_get_brigade(body->r->input_filters, body->incoming,
                                     AP_MODE_READBYTES, how, FCGI_BODY_BLOCK_BYTES);

    if (rv == APR_SUCCESS && APR_BRIGADE_EMPTY(body->incoming)) {
        rv = APR_EAGAIN;
    }
    if (APR_STATUS_IS_EAGAIN(rv) && body->r->expecting_100) {
        ask_client(body->r);
    }
    return rv;
}

/* The first data bucket of what the client sends next; it lives until the next call. */
static apr_status_t next_of_client(fcgi_request_body_t *body, bool may_wait, fc_span_t *piece,
                                   bool *last)
{
    drop_given(body);
    for (;;) {
        if (APR_BRIGADE_EMPTY(body->incoming)) {
            const apr_status_t rv = fetch_from_client(body, may_wait);
            if (rv != APR_SUCCESS) {
                return rv;
            }
            body->client_was_read = true;
        }
        apr_bucket *bucket = APR_BRIGADE_FIRST(body->incoming);
        if (APR_BUCKET_IS_EOS(bucket)) {
            body->is_read = *last = true;
            return APR_SUCCESS;
        }
        if (!APR_BUCKET_IS_METADATA(bucket)) {
            const char *data;
            apr_size_t bytes;
            const apr_status_t rv = apr_bucket_read(bucket, &data, &bytes, APR_BLOCK_READ);
            *piece = fc_span(data, bytes);
            body->client_piece_is_given = true;
            /* One write less when the end is already here. */
            *last = APR_BUCKET_NEXT(bucket) != APR_BRIGADE_SENTINEL(body->incoming)
                    && APR_BUCKET_IS_EOS(APR_BUCKET_NEXT(bucket));
            body->is_read = *last;
            return rv;
        }
        apr_bucket_delete(bucket);
    }
}

apr_status_t fcgi_request_body_next(fcgi_request_body_t *body, bool may_wait, fc_span_t *piece,
                                    bool *last)
{
    apr_status_t rv = APR_SUCCESS;

    *last = false;
    *piece = fc_span(NULL, 0);
    if (!body->memory_is_given) {
        next_of_memory(body, piece);
        *last = body->memory_is_given && body->file_bytes == 0 && !body->client_has_more;
    }
    else if (body->file_given < body->file_bytes) {
        rv = next_of_file(body, piece);
        *last = body->file_given == body->file_bytes;
    }
    else {
        rv = next_of_client(body, may_wait, piece, last);
    }
    body->error = APR_STATUS_IS_EAGAIN(rv) ? APR_SUCCESS : rv;
    return rv;
}

bool fcgi_request_body_is_replayable(const fcgi_request_body_t *body)
{
    return !body->client_was_read;
}

void fcgi_request_body_rewind(fcgi_request_body_t *body)
{
    body->memory_is_given = false;
    body->giving = body->first_block;
    body->file_given = 0;
}

void fcgi_request_body_leave(const fcgi_request_body_t *body)
{
    if (!body->is_read) {
        body->r->connection->keepalive = AP_CONN_CLOSE;
        body->r->expecting_100 = 0;
    }
}
