/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* form.c - reads application/x-www-form-urlencoded.
 * Knows    the encoding.
 * Ignores  what the parameters mean (form_change.c, router.c).
 * Memory   r->pool.   Threads: any, no state. */
#include "form.h"

#include <stdbool.h>
#include <string.h>

#include "apr_strings.h"
#include "body.h"

#define FORM_LIMIT_BYTES (64 * 1024)
#define FORM_TYPE        "application/x-www-form-urlencoded"

/* Regardless of case, as a table finds names. */
static bool may_be_many(const char *name)
{
    return ap_cstr_casecmp(name, "w") == 0 || ap_cstr_casecmp(name, "open") == 0;
}

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
        if (may_be_many(name)) {
            apr_table_addn(*out, name, value);
        }
        else {
            apr_table_setn(*out, name, value);
        }
    }
    return OK;
}

int mgr_form_read(request_rec *r, apr_table_t **out, const char **why)
{
    char *text;
    apr_size_t bytes;

    *why = NULL;
    /* stock asks for no type at all, so a script that sends none is let in */
    if (apr_table_get(r->headers_in, "Content-Type") && !mgr_body_is(r, FORM_TYPE)) {
        *why = "The request body must be " FORM_TYPE ".";
        return HTTP_UNSUPPORTED_MEDIA_TYPE;
    }
    const int status = mgr_body_read(r, FORM_LIMIT_BYTES, &text, &bytes);
    if (status == HTTP_REQUEST_ENTITY_TOO_LARGE) {
        *why = "The form is larger than 64 KB.";
    }
    if (status != OK) {
        return status;
    }
    if (strlen(text) != bytes || mgr_form_parse(r->pool, text, out) != OK) {
        *why = "The form is not properly encoded.";
        return HTTP_BAD_REQUEST;
    }
    return OK;
}
