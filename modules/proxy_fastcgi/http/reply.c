/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* reply.c - see reply.h. */
#include "reply.h"

#include <string.h>
#include <sys/socket.h>

#include "apr_portable.h"
#include "apr_strings.h"
#include "fastcgi_log.h"
#include "head_fields.h"
#include "http_core.h"
#include "http_log.h"
#include "http_protocol.h"
#include "http_request.h"
#include "mod_core.h"
#include "mod_proxy.h"
#include "response_head.h"

extern module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;
APLOG_USE_MODULE(proxy_fastcgi);

void fcgi_reply_init(fcgi_reply_t *reply, request_rec *r, const fcgi_proxy_config_t *config,
                     const char *member)
{
    *reply = (fcgi_reply_t){ .r = r, .config = config, .member = member, .promised_bytes = -1 };
    reply->out = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    fcgi_slow_client_begin(&reply->slow_client, r, fcgi_proxy_config_absorb_limit(config));
}

/* ---- The head -------------------------------------------------------------------------------- */

unsigned char *fcgi_reply_head_space(fcgi_reply_t *reply, fc_span_t so_far, size_t *bytes)
{
    size_t wanted = reply->head_space_bytes ? reply->head_space_bytes * 4 : 4096;

    if (reply->head_space_bytes == FCGI_HEAD_BYTES_MAX) {
        const fc_span_t field = fcgi_head_biggest_field(so_far);
        reply->why = apr_psprintf(reply->r->pool, "the response head is over %d bytes; its largest "
                                                  "field is '%.*s'",
                                  FCGI_HEAD_BYTES_MAX, (int)field.bytes,
                                  (const char *)field.at);
        reply->head_is_too_big = true;
        return NULL;
    }
    wanted = wanted > FCGI_HEAD_BYTES_MAX ? FCGI_HEAD_BYTES_MAX : wanted;
    reply->head_space = apr_palloc(reply->r->pool, wanted);
    reply->head_space_bytes = wanted;
    *bytes = wanted;
    return reply->head_space;
}

/* An answer that the member leaves to httpd: 304 and 412 to a conditional GET, and error pages. */
static void let_httpd_answer(fcgi_reply_t *reply, bool has_status)
{
    request_rec *r = reply->r;
    proxy_dir_conf *dconf = ap_get_module_config(r->per_dir_config, &proxy_module);

    if (!has_status && r->method_number == M_GET) {
        const int rc = ap_meets_conditions(r);
        if (rc != OK) {
            r->status = rc;
            reply->drops_body = true;
        }
    }
    if (ap_proxy_should_override(dconf, r->status) && ap_is_initial_req(r)) {
        reply->kind = FCGI_REPLY_OVERRIDE;
        reply->override_status = r->status;
        reply->drops_body = true;
        r->status = HTTP_OK;    /* else ap_die() takes it for an error within an error */
        r->status_line = NULL;
    }
}

static void go_elsewhere(fcgi_reply_t *reply, fcgi_reply_kind_t kind, const char *target)
{
    reply->kind = kind;
    reply->target = target;
    reply->drops_body = true;
    apr_table_unset(reply->r->headers_out, "Content-Length");    /* of the body that is dropped */
    reply->promised_bytes = -1;
}

static bool is_local(const char *target)
{
    return target[0] == '/' && target[1] != '/';
}

/* X-Sendfile, X-Accel-Redirect, and Location without Status (RFC 3875, 6.2.2 and 6.2.3).
 * returns  false for one that leads nowhere: why */
static bool follow_target(fcgi_reply_t *reply, const fcgi_head_fields_t *head)
{
    if (head->sendfile) {
        go_elsewhere(reply, FCGI_REPLY_FILE, head->sendfile);
    }
    if (head->accel_redirect && !is_local(head->accel_redirect)) {
        reply->why = fcgi_head_fields_refusal(
            reply->r->pool, "X-Accel-Redirect is not a local path",
            fc_span_of(head->accel_redirect));
        return false;
    }
    if (head->accel_redirect) {
        go_elsewhere(reply, FCGI_REPLY_REDIRECT, head->accel_redirect);
    }
    if (head->location && !head->has_status) {
        if (reply->config->redirects_internally > 0 && is_local(head->location)) {
            apr_table_unset(reply->r->headers_out, "Location");
            go_elsewhere(reply, FCGI_REPLY_REDIRECT, head->location);
        }
        else {
            reply->r->status = HTTP_MOVED_TEMPORARILY;
        }
    }
    return true;
}

/* Pass a 1xx answer on; HTTP/1.0 knows none, and FastCGI cannot switch protocols (101). */
static void pass_interim(fcgi_reply_t *reply)
{
    request_rec *r = reply->r;

    if (r->proto_num >= HTTP_VERSION(1, 1) && r->status != HTTP_SWITCHING_PROTOCOLS) {
        apr_table_t *headers = r->headers_out;
        r->headers_out = apr_table_overlay(r->pool, r->err_headers_out, headers);
        ap_send_interim_response(r, 1);
        r->headers_out = headers;
    }
    fcgi_reply_forget(reply);
}

/* Does no body follow this head, whatever its Content-Length says? */
static bool has_no_body(const request_rec *r)
{
    return r->header_only || r->status == HTTP_NO_CONTENT || r->status == HTTP_NOT_MODIFIED;
}

static void remove_range_filter(request_rec *r)
{
    ap_filter_t *filter = r->output_filters;

    while (filter && filter->frec != ap_byterange_filter_handle) {
        filter = filter->next;
    }
    if (filter) {
        ap_remove_output_filter(filter);
    }
}

/* httpd cuts ranges out of whatever it has the whole of. Those of an application's answer are its
 * own affair, unless it offers them; and only GET has any (RFC 9110, 14.2). */
static void mind_ranges(const fcgi_reply_t *reply)
{
    request_rec *r = reply->r;
    const char *offered = apr_table_get(r->err_headers_out, "Accept-Ranges");
    const bool offers = reply->kind == FCGI_REPLY_FILE
                        || (offered && ap_find_token(r->pool, offered, "bytes"));

    /* an answer within another one has that one's filter */
    if (!r->main && reply->kind != FCGI_REPLY_REDIRECT
        && (!offers || r->method_number != M_GET)) {
        remove_range_filter(r);
    }
}

/* Is there a filter that may change the body? These only mind the head, or keep a copy. */
static bool body_may_change(const request_rec *r)
{
    static const char *const harmless[] = { "fixup_headers_out", "fixup_headers_err",
                                            "mod_expires", "mod_session_out", "cache_save",
                                            "buffer", "old_write" };
    const size_t count = sizeof(harmless) / sizeof(harmless[0]);

    for (const ap_filter_t *filter = r->output_filters;
         filter && filter->frec->ftype < AP_FTYPE_PROTOCOL; filter = filter->next) {
        size_t i = 0;
        while (i < count && strcmp(filter->frec->name, harmless[i]) != 0) {
            i++;
        }
        if (i == count) {
            return true;
        }
    }
    return false;
}

bool fcgi_reply_head(fcgi_reply_t *reply, fc_span_t in, bool *is_interim)
{
    request_rec *r = reply->r;

    reply->has_set_fields = true;
    if (!apr_is_empty_table(r->err_headers_out)) {
        reply->err_headers_before = apr_table_copy(r->pool, r->err_headers_out);
    }
    const fcgi_head_fields_t head = fcgi_head_fields_set(r, reply->config, reply->member, in);
    reply->flushes_at_once |= head.flushes_at_once;
    if (head.promised_bytes >= 0) {
        reply->promised_bytes = head.promised_bytes;
    }
    if (head.why) {
        reply->why = head.why;
        return false;
    }
    *is_interim = ap_is_HTTP_INFO(r->status);
    if (*is_interim) {
        pass_interim(reply);
        return true;
    }
    if (!follow_target(reply, &head)) {
        return false;
    }
    reply->has_head = true;
    reply->status = r->status;
    if (reply->kind == FCGI_REPLY_BODY) {
        let_httpd_answer(reply, head.has_status || head.location);
    }
    reply->slow_client.has_seen_data = false;    /* of an interim answer */
    reply->flushes_at_once |=
        r->content_type && strncmp(r->content_type, "text/event-stream", 17) == 0;
    mind_ranges(reply);
    if (has_no_body(r)) {
        reply->promised_bytes = -1;    /* the length tells of a body that does not come */
    }
    if (r->header_only && reply->kind == FCGI_REPLY_BODY && body_may_change(r)) {
        apr_table_unset(r->headers_out, "Content-Length");    /* GET would have another */
        reply->length_is_open = true;
    }
    return true;
}

/* As it was before a head. */
static void reset_head(const fcgi_reply_t *reply)
{
    request_rec *r = reply->r;

    if (!reply->has_set_fields) {    /* what others have set stays */
        return;
    }
    apr_table_clear(r->headers_out);
    apr_table_clear(r->err_headers_out);
    if (reply->err_headers_before) {
        apr_table_overlap(r->err_headers_out, reply->err_headers_before, APR_OVERLAP_TABLES_SET);
    }
    r->status = HTTP_OK;
    r->status_line = NULL;
    r->content_type = NULL;
    r->mtime = 0;
}

void fcgi_reply_forget(fcgi_reply_t *reply)
{
    reset_head(reply);
    reply->promised_bytes = -1;
    reply->has_head = false;
    apr_brigade_cleanup(reply->out);
}

/* ---- An answer that another member's may replace --------------------------------------------- */

void fcgi_reply_put_aside(fcgi_reply_t *reply)
{
    request_rec *r = reply->r;

    reply->aside = (fcgi_head_aside_t){ .headers_out = r->headers_out,
                                        .err_headers_out = r->err_headers_out,
                                        .content_type = r->content_type,
                                        .status_line = r->status_line,
                                        .status = r->status,
                                        .mtime = r->mtime };
    r->headers_out = apr_table_make(r->pool, 8);
    r->err_headers_out = apr_table_make(r->pool, 8);
    reset_head(reply);
}

void fcgi_reply_take_back(fcgi_reply_t *reply)
{
    request_rec *r = reply->r;
    const fcgi_head_aside_t *aside = &reply->aside;

    if (aside->headers_out) {
        r->headers_out = aside->headers_out;
        r->err_headers_out = aside->err_headers_out;
        r->content_type = aside->content_type;
        r->status_line = aside->status_line;
        r->status = aside->status;
        r->mtime = aside->mtime;
    }
}

/* What came lies in the read buffer, which others will use.
 * returns  is it held back? */
static bool hold_back(fcgi_reply_t *reply)
{
    if (reply->is_held && reply->body_bytes > FCGI_HELD_BYTES_MAX) {
        reply->is_held = false;
    }
    for (apr_bucket *bucket = APR_BRIGADE_FIRST(reply->out);
         reply->is_held && bucket != APR_BRIGADE_SENTINEL(reply->out);
         bucket = APR_BUCKET_NEXT(bucket)) {
        reply->is_held = apr_bucket_setaside(bucket, reply->r->pool) == APR_SUCCESS;
    }
    return reply->is_held;
}

/* ---- The body -------------------------------------------------------------------------------- */

void fcgi_reply_body(fcgi_reply_t *reply, fc_span_t piece)
{
    const apr_off_t before = reply->body_bytes;
    reply->body_bytes += (apr_off_t)piece.bytes;

    if (reply->promised_bytes >= 0) {
        const apr_off_t room = reply->promised_bytes > before ? reply->promised_bytes - before : 0;
        piece.bytes = (apr_off_t)piece.bytes > room ? (size_t)room : piece.bytes;
    }
    if (reply->drops_body || piece.bytes == 0) {
        return;
    }
    APR_BRIGADE_INSERT_TAIL(reply->out,
                            apr_bucket_transient_create((const char *)piece.at, piece.bytes,
                                                        reply->r->connection->bucket_alloc));
}

/* Has a head left for the client, ours or that of an error page? HTTP/1 of httpd 2.4 then takes its
 * filter for heads away, but for HEAD: then the head is all that comes by. */
static bool head_has_left(const fcgi_reply_t *reply)
{
    const request_rec *r = reply->r;

    while (r->next) {    /* an error page of its own URL */
        r = r->next;
    }
    if (fc_sent_body_means_head(r)) {
        return r->sent_bodyct > 0;
    }
    if (r->header_only && reply->slow_client.has_seen_data) {
        return true;
    }
    const ap_filter_t *filter = r->output_filters;
    while (filter && filter->frec != ap_http_header_filter_handle) {
        filter = filter->next;
    }
    return !filter;
}

/* Whose fault is it when the filters do not take what they get? An aborted connection is the
 * client's, and a file that cannot be read is ours (slow_client.error). AP_FILTER_ERROR tells of an
 * answer of their own when none has left before. */
static void judge(fcgi_reply_t *reply, apr_status_t rv)
{
    const bool head_was_out = reply->head_is_out;

    reply->head_is_out = head_has_left(reply);
    if (reply->r->connection->aborted) {
        reply->client_is_gone = true;
    }
    else if (rv != APR_SUCCESS && reply->slow_client.error == APR_SUCCESS) {
        reply->filter_status = rv;
        reply->filter_has_answered =
            rv == AP_FILTER_ERROR && !head_was_out && reply->head_is_out;
    }
}

/* Does anybody still take it? */
static bool is_taken(const fcgi_reply_t *reply)
{
    return !reply->client_is_gone && reply->filter_status == APR_SUCCESS
           && reply->slow_client.error == APR_SUCCESS;
}

static void pass_brigade(fcgi_reply_t *reply)
{
    if (!APR_BRIGADE_EMPTY(reply->out) && is_taken(reply)) {
        reply->was_passed = true;
        judge(reply, fcgi_slow_client_pass(&reply->slow_client, reply->out));
    }
    apr_brigade_cleanup(reply->out);
}

void fcgi_reply_pass(fcgi_reply_t *reply, bool flush)
{
    if (hold_back(reply)) {
        return;
    }
    /* A flush waits until the client has taken everything: not when it is behind. */
    if (flush && reply->has_head && !reply->drops_body
        && !fcgi_slow_client_is_behind(&reply->slow_client)) {
        APR_BRIGADE_INSERT_TAIL(reply->out,
                                apr_bucket_flush_create(reply->r->connection->bucket_alloc));
    }
    pass_brigade(reply);
}

void fcgi_reply_resume(fcgi_reply_t *reply)
{
    judge(reply, fcgi_slow_client_resume(&reply->slow_client));
}

bool fcgi_reply_is_delivered(const fcgi_reply_t *reply)
{
    return reply->was_passed && !fcgi_slow_client_is_behind(&reply->slow_client)
           && (has_no_body(reply->r)
               || (reply->promised_bytes >= 0 && reply->body_bytes >= reply->promised_bytes));
}

bool fcgi_reply_is_short(fcgi_reply_t *reply)
{
    if (reply->kind != FCGI_REPLY_BODY || reply->body_bytes >= reply->promised_bytes) {
        return false;
    }
    reply->why = apr_psprintf(reply->r->pool, "Content-Length is %" APR_OFF_T_FMT " but the body "
                                              "has %" APR_OFF_T_FMT " bytes",
                              reply->promised_bytes,
                              reply->body_bytes);
    return true;
}

void fcgi_reply_finish(fcgi_reply_t *reply)
{
    reply->is_held = false;
    if (reply->promised_bytes >= 0 && reply->body_bytes > reply->promised_bytes) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, reply->r, FCLOGNO(0243)
                      "member %s: Content-Length is %" APR_OFF_T_FMT
                      " but the body has %" APR_OFF_T_FMT " bytes; the surplus is dropped",
                      reply->member, reply->promised_bytes, reply->body_bytes);
    }
    if (reply->length_is_open && reply->body_bytes == 0) {
        fcgi_reply_pass(reply, true);    /* before a filter counts what it makes of no body */
    }
    APR_BRIGADE_INSERT_TAIL(reply->out,
                            apr_bucket_eos_create(reply->r->connection->bucket_alloc));
    if (is_taken(reply)) {
        const apr_status_t rv = ap_pass_brigade(reply->r->output_filters, reply->out);
        if (rv != APR_SUCCESS) {    /* else a client that has it all may have closed already */
            judge(reply, rv);
        }
    }
    apr_brigade_cleanup(reply->out);
}

/* HTTP/1.0 without a length: only a reset tells the client that this was not the end. */
static bool end_shows_by_reset_only(request_rec *r)
{
    return !r->chunked && !apr_table_get(r->headers_out, "Content-Length");
}

void fcgi_reply_cut(fcgi_reply_t *reply)
{
    request_rec *r = reply->r;
    conn_rec *c = r->connection;

    if (reply->filter_status != APR_SUCCESS) {    /* past the filter that takes no more */
        r->output_filters = r->proto_output_filters;
    }
    if (has_no_body(r)) {    /* the head was all of it; only an end passes behind it */
        fcgi_reply_finish(reply);
        return;
    }
    /* What there is goes out first, so that the headers are on their way before the error. */
    APR_BRIGADE_INSERT_TAIL(reply->out, apr_bucket_flush_create(c->bucket_alloc));
    ap_proxy_backend_broke(r, reply->out);
    ap_pass_brigade(r->output_filters, reply->out);
    apr_brigade_cleanup(reply->out);
    c->keepalive = AP_CONN_CLOSE;
    if (!c->master) {
        if (end_shows_by_reset_only(r)) {
            const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
            apr_os_sock_t fd;
            if (apr_os_sock_get(&fd, ap_get_conn_socket(c)) == APR_SUCCESS) {
                (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
            }
        }
        c->aborted = 1;    /* close now, without lingering for the client's last bytes */
    }
}
