/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* escape.c - the only place where a value is made safe for a page.
 * Knows    httpd's escaping functions and what they leave open.
 * Ignores  elements and fields; the views know them.
 * Memory   answers live in the caller's pool.   Threads: any, no state. */
#include "escape.h"

#include <stdbool.h>
#include <string.h>

#include "apr_lib.h"
#include "httpd.h"
#include "utf8.h"

const char *mgr_escape_text(apr_pool_t *p, const char *text)
{
    return text ? ap_escape_html(p, mgr_utf8_mend(p, text)) : "";
}

typedef bool test_t(char c);

static const char *percent_encoded(apr_pool_t *p, const char *text, test_t *is_plain)
{
    static const char hex[] = "0123456789ABCDEF";
    char *encoded = apr_palloc(p, 3 * strlen(text) + 1), *out = encoded;

    for (; *text; text++) {
        if (is_plain(*text)) {
            *out++ = *text;
        }
        else {
            *out++ = '%';
            *out++ = hex[(unsigned char)*text >> 4];
            *out++ = hex[*text & 15];
        }
    }
    *out = '\0';
    return encoded;
}

/* What httpd's function for paths leaves, and a query does not. */
static bool is_plain_in_query(char c)
{
    return !strchr("&+;='", c);
}

const char *mgr_escape_query(apr_pool_t *p, const char *text)
{
    return percent_encoded(p, ap_escape_uri(p, text ? text : ""), is_plain_in_query);
}

/* RFC 3986, 2.3 */
static bool is_unreserved(char c)
{
    return apr_isalnum(c) || strchr("-._~", c);
}

const char *mgr_escape_segment(apr_pool_t *p, const char *text)
{
    return percent_encoded(p, text, is_unreserved);
}
