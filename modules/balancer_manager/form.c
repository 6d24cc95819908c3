/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* form.c - reads application/x-www-form-urlencoded.
 * Knows    the encoding, and httpd's input filters.
 * Ignores  what the parameters mean (action.c, router.c).
 * Memory   r->pool; a brigade is empty again before it is read into.   Threads: any, no state. */
#include "form.h"

#include <string.h>

#include <apr_strings.h>
#include <http_protocol.h>
#include <util_filter.h>

#define FORM_LIMIT_BYTES (64 * 1024)
#define FORM_TYPE        "application/x-www-form-urlencoded"

int mgr_form_parse(apr_pool_t *p, const char *text, apr_table_t **out)
{
    char *rest;
    *out = apr_table_make(p, 16);

    for (char *name = apr_strtok(apr_pstrdup(p, text ? text : ""), "&", &rest); name;
         name = apr_strtok(NULL, "&", &rest)) {
        char *value = strchr(name, '=');
        if (value) {
            *value++ = '\0';
        }
        else {
            value = name + strlen(name);
        }
        if (ap_unescape_urlencoded(name) != OK || ap_unescape_urlencoded(value) != OK) {
            return HTTP_BAD_REQUEST;
        }
        if (!strcmp(name, "w")) {
            apr_table_addn(*out, name, value);
        }
        else {
            apr_table_setn(*out, name, value);
        }
    }
    return OK;
}

/* Stock asks for no type at all, so a script that sends none is let in. */
static int is_form(request_rec *r)
{
    const char *type = apr_table_get(r->headers_in, "Content-Type");
    const size_t bytes = sizeof(FORM_TYPE) - 1;

    return !type || (!ap_cstr_casecmpn(type, FORM_TYPE, bytes) && strchr("; \t", type[bytes]));
}

/* Append one brigade to text; it must be large enough for FORM_LIMIT_BYTES and a NUL. */
static apr_status_t append(apr_bucket_brigade *in, char *text, size_t *used, int *is_complete)
{
    for (apr_bucket *b = APR_BRIGADE_FIRST(in); b != APR_BRIGADE_SENTINEL(in);
         b = APR_BUCKET_NEXT(b)) {
        const char *data;
        apr_size_t bytes;

        if (APR_BUCKET_IS_EOS(b)) {
            *is_complete = 1;
            break;
        }
        if (APR_BUCKET_IS_METADATA(b)) {
            continue;
        }
        const apr_status_t rv = apr_bucket_read(b, &data, &bytes, APR_BLOCK_READ);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (bytes > FORM_LIMIT_BYTES - *used) {
            return APR_ENOSPC;
        }
        memcpy(text + *used, data, bytes);
        *used += bytes;
    }
    return APR_SUCCESS;
}

int mgr_form_read(request_rec *r, apr_table_t **out, const char **why)
{
    *why = NULL;
    if (!is_form(r)) {
        *why = "The request body must be " FORM_TYPE ".";
        return HTTP_UNSUPPORTED_MEDIA_TYPE;
    }
    apr_bucket_brigade *in = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    char *text = apr_palloc(r->pool, FORM_LIMIT_BYTES + 1);
    size_t used = 0;
    int is_complete = 0;

    while (!is_complete) {
        apr_status_t rv = ap_get_brigade(r->input_filters, in, AP_MODE_READBYTES, APR_BLOCK_READ,
                                         HUGE_STRING_LEN);
        if (rv != APR_SUCCESS) {
            return ap_map_http_request_error(rv, HTTP_BAD_REQUEST);
        }
        rv = append(in, text, &used, &is_complete);
        apr_brigade_cleanup(in);
        if (rv == APR_ENOSPC) {
            r->connection->keepalive = AP_CONN_CLOSE; /* or httpd reads the rest, however long */
            *why = "The form is larger than 64 KB.";
            return HTTP_REQUEST_ENTITY_TOO_LARGE;
        }
        if (rv != APR_SUCCESS) {
            return HTTP_BAD_REQUEST;
        }
    }
    text[used] = '\0';
    if (strlen(text) != used || mgr_form_parse(r->pool, text, out) != OK) {
        *why = "The form is not properly encoded.";
        return HTTP_BAD_REQUEST;
    }
    return OK;
}
