/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* head_fields.c - see head_fields.h.
 *
 * httpd's own ap_scan_script_header_err_core() reads lines of at most 8190 bytes and drops a
 * Content-Length; fields here may be as long as the head, so they are taken apart by
 * protocol/response_head.c and set one by one with the same meaning. */
#include "head_fields.h"

#include <stdlib.h>

#include "apr_cstr.h"
#include "apr_date.h"
#include "apr_strings.h"
#include "fastcgi_log.h"
#include "http_log.h"
#include "http_protocol.h"
#include "response_head.h"

extern module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;
APLOG_USE_MODULE(proxy_fastcgi);

/* One head, while it is set. */
typedef struct {
    request_rec *r;
    const fcgi_proxy_config_t *config;
    const char *member;
    fcgi_head_fields_t said;
    apr_table_t *others;    /* fields without a meaning here, as they came; NULL: none */
} head_t;

const char *fcgi_head_fields_refusal(apr_pool_t *p, const char *why, fc_span_t what)
{
    const int shown = what.bytes < 80 ? (int)what.bytes : 80;
    return apr_psprintf(p, "%s: '%.*s'", why, shown, (const char *)what.at);
}

static bool refuse(head_t *head, const char *why, fc_span_t what)
{
    head->said.why = fcgi_head_fields_refusal(head->r->pool, why, what);
    return false;
}

static bool set_status(head_t *head, const char *value)
{
    const int status = atoi(value);

    if (status < 100 || status > 999) {    /* beyond 599 is the application's own affair */
        return refuse(head, "the Status is invalid", fc_span_of(value));
    }
    head->r->status = status;
    head->r->status_line = value;
    return true;
}

static void set_content_length(head_t *head, const char *value)
{
    apr_off_t bytes;

    if (!ap_parse_strict_length(&bytes, value)) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, head->r, FCLOGNO(0331)
                      "member %s: Content-Length is not a number and is dropped: '%s'",
                      head->member, value);
        return;
    }
    head->said.promised_bytes = bytes;
    apr_table_setn(head->r->headers_out, "Content-Length", value);
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
                      "Last-Modified is not an HTTP date and is dropped: '%s'", value);
        return;
    }
    ap_update_mtime(r, modified);
    ap_set_last_modified(r);    /* httpd moves dates in the future back to now */
}

/* Fields that are for httpd: taken out when they are obeyed, and passed on when they are not, as
 * another module or a proxy in front may. X-Accel-Buffering is for each of them.
 * returns  was it taken out? */
static bool obey_field(head_t *head, fc_span_t name, const char *value)
{
    if (fc_span_is_text(name, "X-Sendfile") && head->config->sendfile_roots) {
        head->said.sendfile = value;
        return true;
    }
    if (fc_span_is_text(name, "X-Accel-Redirect") && head->config->redirects_internally > 0) {
        head->said.accel_redirect = value;
        return true;
    }
    if (fc_span_is_text(name, "X-Accel-Buffering")) {
        head->said.flushes_at_once |= ap_cstr_casecmp(value, "no") == 0;
        return false;
    }
    /* FastCGI has its own framing, and httpd sets what the client gets */
    return fc_span_is_text(name, "Transfer-Encoding");
}

/* A field without a meaning here: others may have the same name. */
static void keep_field(head_t *head, const char *name, const char *value)
{
    if (!head->others) {
        head->others = apr_table_make(head->r->pool, 8);
    }
    apr_table_addn(head->others, name, value);
}

/* What httpd sends with its own answers too, a 304 or an error page, stands in err_headers_out.
 * name, value   both end in NUL */
static bool set_field(head_t *head, fc_span_t name, char *value)
{
    request_rec *r = head->r;
    const char *name_text = (const char *)name.at;

    switch (name.at[0] | 0x20) {    /* most names can be told by their first letter */
    case 'c':
        if (fc_span_is_text(name, "Content-Type")) {
            set_content_type(r, value);
            return true;
        }
        if (fc_span_is_text(name, "Content-Length")) {
            set_content_length(head, value);
            return true;
        }
        if (fc_span_is_text(name, "Content-Range")) {
            apr_table_setn(r->headers_out, name_text, value);
            return true;
        }
        break;
    case 's':
        if (fc_span_is_text(name, "Status")) {
            head->said.has_status = true;
            return set_status(head, value);
        }
        if (fc_span_is_text(name, "Set-Cookie")) {
            apr_table_addn(r->err_headers_out, name_text, value);    /* must not be merged */
            return true;
        }
        break;
    case 'l':
        if (fc_span_is_text(name, "Location")) {
            head->said.location = value;
            apr_table_setn(r->headers_out, name_text, value);
            return true;
        }
        if (fc_span_is_text(name, "Last-Modified")) {
            set_last_modified(r, value);
            return true;
        }
        break;
    case 'e':
        if (fc_span_is_text(name, "ETag")) {
            apr_table_setn(r->headers_out, name_text, value);
            return true;
        }
        break;
    case 'x':
    case 't':
        if (obey_field(head, name, value)) {
            return true;
        }
        break;
    default:
        break;
    }
    keep_field(head, name_text, value);
    return true;
}

static int merge_field(void *headers, const char *name, const char *value)
{
    apr_table_mergen(headers, name, value);
    return 1;
}

/* Fields of one name become one, in one go: field by field each would copy all those before it. */
static void merge_others(const head_t *head)
{
    if (head->others) {
        apr_table_compress(head->others, APR_OVERLAP_TABLES_MERGE);
        apr_table_do(merge_field, head->r->err_headers_out, head->others, NULL);
    }
}

/* End a part of a copied head with NUL, over a byte that is no part of any field. */
static char *end_text(unsigned char *copy, fc_span_t part)
{
    unsigned char *text = copy + (part.at - copy);

    text[part.bytes] = '\0';
    return (char *)text;
}

/* Names and values stay where they are in one copy of the head. A bare CR costs no page: httpd's
 * own reader of CGI heads takes no notice of it either. */
static bool set_fields(head_t *head, fc_span_t whole)
{
    unsigned char *copy = apr_palloc(head->r->pool, whole.bytes + 1);
    fc_span_t in = fc_span(copy, fcgi_head_drop_crs(whole, copy));
    fcgi_field_t field;
    fcgi_result_t rc;

    while ((rc = fcgi_head_next(&in, &field)) == FCGI_OK) {
        (void)end_text(copy, field.name);
        if (!set_field(head, field.name, end_text(copy, field.value))) {
            return false;
        }
    }
    if (rc != FCGI_MORE) {
        return refuse(head, "this is not a header field", field.name);
    }
    merge_others(head);
    return in.bytes <= 1
           || refuse(head, "there are fields after an empty line (of CRs)", fc_span_after(in, 1));
}

fcgi_head_fields_t fcgi_head_fields_set(request_rec *r, const fcgi_proxy_config_t *config,
                                        const char *member, fc_span_t whole)
{
    head_t head = { .r = r, .config = config, .member = member, .said = { .promised_bytes = -1 } };

    (void)set_fields(&head, whole);    /* false: said.why */
    return head.said;
}
