/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* escape.c - the only place where a value is made safe for a page.
 * Knows    httpd's escaping functions and what they leave open.
 * Ignores  elements and fields; the views know them.
 * Memory   answers live in the caller's pool.   Threads: any, no state. */
#include "escape.h"

#include <string.h>

#include "httpd.h"
#include "utf8.h"

const char *mgr_escape_text(apr_pool_t *p, const char *text)
{
    return text ? ap_escape_html(p, mgr_utf8_mend(p, text)) : "";
}

const char *mgr_escape_query(apr_pool_t *p, const char *text)
{
    static const char hex[] = "0123456789ABCDEF";
    const char *in = ap_escape_uri(p, text ? text : "");
    char *escaped = apr_palloc(p, 3 * strlen(in) + 1);
    char *out = escaped;

    for (; *in; in++) {
        if (strchr("&+;='", *in)) {
            *out++ = '%';
            *out++ = hex[(unsigned char)*in >> 4];
            *out++ = hex[*in & 15];
        }
        else {
            *out++ = *in;
        }
    }
    *out = '\0';
    return escaped;
}
