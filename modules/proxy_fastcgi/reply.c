/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* reply.c - see reply.h.
 *
 * httpd's own ap_scan_script_header_err_core() reads lines of at most 8190 bytes and drops a
 * Content-Length; fields here may be as long as the head, so they are taken apart by
 * protocol/response_head.c and set one by one with the same meaning. */
#include "reply.h"

#include "apr_date.h"
#include "apr_strings.h"
#include "fastcgi_log.h"
#include "http_log.h"
#include "http_protocol.h"
#include "http_request.h"
#include "mod_proxy.h"
#include "response_head.h"

extern module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;
APLOG_USE_MODULE(proxy_fastcgi);

void fcgi_reply_init(fcgi_reply_t *reply, request_rec *r, const char *member)
{
    *reply = (fcgi_reply_t){ .r = r, .member = member, .promised_bytes = -1 };
    reply->out = apr_brigade_create(r->pool, r->connection->bucket_alloc);
}

/* ---- The head -------------------------------------------------------------------------------- */

static bool refuse(fcgi_reply_t *reply, const char *why, fcgi_span_t what)
{
    const size_t shown = what.bytes < 80 ? what.bytes : 80;
    const char *text = apr_pstrmemdup(reply->r->pool, (const char *)what.at, shown);
    reply->why = apr_psprintf(reply->r->pool, "%s: '%s'", why,
                              ap_escape_logitem(reply->r->pool, text));
    return false;
}

unsigned char *fcgi_reply_head_space(fcgi_reply_t *reply, fcgi_span_t so_far, size_t *bytes)
{
    size_t wanted = reply->head_space_bytes ? reply->head_space_bytes * 4 : 4096;

    if (reply->head_space_bytes == FCGI_HEAD_BYTES_MAX) {
        const fcgi_span_t field = fcgi_head_biggest_field(so_far);
        reply->why = apr_psprintf(reply->r->pool, "the response head is over %d bytes; its biggest "
                                  "field is '%.*s'", FCGI_HEAD_BYTES_MAX, (int)field.bytes,
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

static bool set_status(fcgi_reply_t *reply, const char *value)
{
    const int status = atoi(value);

    if (!ap_is_HTTP_VALID_RESPONSE(status)) {
        return refuse(reply, "the Status is none", fcgi_span(value, strlen(value)));
    }
    reply->r->status = status;
    reply->r->status_line = value;
    return true;
}

static bool set_content_length(fcgi_reply_t *reply, const char *value)
{
    if (!ap_parse_strict_length(&reply->promised_bytes, value)) {
        return refuse(reply, "the Content-Length is none", fcgi_span(value, strlen(value)));
    }
    apr_table_setn(reply->r->headers_out, "Content-Length", value);
    return true;
}

static void set_content_type(request_rec *r, char *value)
{
    ap_content_type_tolower(value);
    ap_set_content_type(r, value);
}

static void set_last_modified(request_rec *r, const char *value)
{
    const apr_time_t modified = apr_date_parse_http(value);

    if (modified == APR_DATE_BAD) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, FCLOGNO(0242)
                      "Last-Modified is no HTTP date and is left out: '%s'",
                      ap_escape_logitem(r->pool, value));
        return;
    }
    ap_update_mtime(r, modified);
    ap_set_last_modified(r);    /* httpd moves dates in the future back to now */
}

/* What httpd sends with its own answers too, a 304 or an error page, stands in err_headers_out. */
static bool set_field(fcgi_reply_t *reply, const char *name, char *value, bool *has_status)
{
    static const char *const goes_with_body[] = { "Location", "Content-Range", "ETag", NULL };
    request_rec *r = reply->r;

    if (ap_cstr_casecmp(name, "Content-Type") == 0) {
        set_content_type(r, value);
        return true;
    }
    if (ap_cstr_casecmp(name, "Status") == 0) {
        *has_status = true;
        return set_status(reply, value);
    }
    if (ap_cstr_casecmp(name, "Content-Length") == 0) {
        return set_content_length(reply, value);
    }
    if (ap_cstr_casecmp(name, "Last-Modified") == 0) {
        set_last_modified(r, value);
        return true;
    }
    if (ap_cstr_casecmp(name, "Transfer-Encoding") == 0) {
        return true;    /* FastCGI has its own framing, and httpd sets what the client gets */
    }
    for (int i = 0; goes_with_body[i]; i++) {
        if (ap_cstr_casecmp(name, goes_with_body[i]) == 0) {
            apr_table_setn(r->headers_out, name, value);
            return true;
        }
    }
    if (ap_cstr_casecmp(name, "Set-Cookie") == 0) {
        apr_table_addn(r->err_headers_out, name, value);    /* must not be merged */
    }
    else {
        apr_table_mergen(r->err_headers_out, name, value);
    }
    return true;
}

static bool set_fields(fcgi_reply_t *reply, fcgi_span_t head, bool *has_status)
{
    apr_pool_t *p = reply->r->pool;
    fcgi_field_t field;
    fcgi_result_t rc;

    while ((rc = fcgi_head_next(&head, &field)) == FCGI_OK) {
        const char *name = apr_pstrmemdup(p, (const char *)field.name.at, field.name.bytes);
        char *value = apr_pstrmemdup(p, (const char *)field.value.at, field.value.bytes);
        if (!set_field(reply, name, value, has_status)) {
            return false;
        }
    }
    return rc == FCGI_MORE || refuse(reply, "this is no header field", field.name);
}

/* An answer that the member leaves to httpd: 304 and 412 to a conditional GET, and error pages. */
static void let_httpd_answer(fcgi_reply_t *reply, bool has_status)
{
    request_rec *r = reply->r;
    const proxy_dir_conf *dconf = ap_get_module_config(r->per_dir_config, &proxy_module);

    if (!has_status && r->method_number == M_GET) {
        const int rc = ap_meets_conditions(r);
        if (rc != OK) {
            r->status = rc;
            reply->drops_body = true;
        }
    }
    if (ap_proxy_should_override((proxy_dir_conf *)(uintptr_t)dconf, r->status)
        && ap_is_initial_req(r)) {
        reply->override_status = r->status;
        reply->drops_body = true;
        r->status = HTTP_OK;    /* else ap_die() takes it for an error within an error */
        r->status_line = NULL;
    }
}

bool fcgi_reply_head(fcgi_reply_t *reply, fcgi_span_t head)
{
    request_rec *r = reply->r;
    bool has_status = false;

    if (!set_fields(reply, head, &has_status)) {
        return false;
    }
    reply->has_head = true;
    let_httpd_answer(reply, has_status);
    if (r->header_only || r->status == HTTP_NO_CONTENT || r->status == HTTP_NOT_MODIFIED) {
        reply->promised_bytes = -1;    /* the length tells of a body that does not come */
    }
    return true;
}

/* ---- The body -------------------------------------------------------------------------------- */

void fcgi_reply_body(fcgi_reply_t *reply, fcgi_span_t piece)
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

static bool pass_brigade(fcgi_reply_t *reply)
{
    request_rec *r = reply->r;

    if (!APR_BRIGADE_EMPTY(reply->out)) {
        reply->was_passed = true;
        const apr_status_t rv = ap_pass_brigade(r->output_filters, reply->out);
        apr_brigade_cleanup(reply->out);
        reply->client_is_gone |= rv != APR_SUCCESS || r->connection->aborted;
    }
    return !reply->client_is_gone;
}

bool fcgi_reply_pass(fcgi_reply_t *reply, bool flush)
{
    if (flush && reply->has_head && !reply->drops_body) {
        APR_BRIGADE_INSERT_TAIL(reply->out,
                                apr_bucket_flush_create(reply->r->connection->bucket_alloc));
    }
    return pass_brigade(reply);
}

bool fcgi_reply_is_short(fcgi_reply_t *reply)
{
    if (reply->override_status || reply->body_bytes >= reply->promised_bytes) {
        return false;
    }
    reply->why = apr_psprintf(reply->r->pool, "Content-Length is %" APR_OFF_T_FMT " but the body has "
                              "%" APR_OFF_T_FMT " bytes", reply->promised_bytes,
                              reply->body_bytes);
    return true;
}

void fcgi_reply_finish(fcgi_reply_t *reply)
{
    if (reply->override_status) {
        return;
    }
    if (reply->promised_bytes >= 0 && reply->body_bytes > reply->promised_bytes) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, reply->r, FCLOGNO(0243)
                      "member %s: Content-Length is %" APR_OFF_T_FMT " but the body has %"
                      APR_OFF_T_FMT " bytes; the surplus is left out", reply->member,
                      reply->promised_bytes, reply->body_bytes);
    }
    APR_BRIGADE_INSERT_TAIL(reply->out,
                            apr_bucket_eos_create(reply->r->connection->bucket_alloc));
    pass_brigade(reply);
}

void fcgi_reply_cut(fcgi_reply_t *reply)
{
    ap_proxy_backend_broke(reply->r, reply->out);
    pass_brigade(reply);
    /* No other answer can follow on this connection: the client would take it for the rest. */
    reply->r->connection->keepalive = AP_CONN_CLOSE;
}
