/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* etag.c - see etag.h.
 * Knows    the syntax of ETag and If-Match.
 * Ignores  what a revision is made of (the balancer makes it).
 * Memory   the caller's pool.   Threads: any, no state. */
#include "etag.h"

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"
#include "httpd.h"

enum { DIGITS = 16 };

const char *mgr_etag_text(apr_pool_t *p, uint64_t revision)
{
    char *text = apr_palloc(p, DIGITS + 1);

    text[DIGITS] = '\0';
    for (int i = DIGITS - 1; i >= 0; i--, revision >>= 4) {    /* a status has thousands */
        text[i] = "0123456789abcdef"[revision & 15];
    }
    return text;
}

uint64_t mgr_etag_revision(const char *text)
{
    return strlen(text) == DIGITS && strspn(text, "0123456789abcdef") == DIGITS
               ? strtoull(text, NULL, 16)
               : 0;
}

/* As headers have it. */
static const char *quoted(apr_pool_t *p, uint64_t revision)
{
    return apr_pstrcat(p, "\"", mgr_etag_text(p, revision), "\"", NULL);
}

void mgr_etag_send(request_rec *r, uint64_t revision)
{
    apr_table_setn(r->headers_out, "ETag", quoted(r->pool, revision));
}

bool mgr_etag_matches(request_rec *r, uint64_t revision, uint64_t *expected)
{
    const char *list = apr_table_get(r->headers_in, "If-Match");

    *expected = 0;
    if (!list || strcmp(list, "*") == 0) {
        return true;
    }
    if (!revision) {    /* it is about no one thing */
        return false;
    }
    /* a weak one, W/"...", never matches: it is another token */
    if (!ap_find_etag_strong(r->pool, list, quoted(r->pool, revision))) {
        return false;
    }
    *expected = revision;
    return true;
}
