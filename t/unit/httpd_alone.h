/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* httpd_alone.h - what the manager's parsers ask of httpd, as httpd's headers describe it, for
 * programs without httpd. The real functions are behind the tests of t/manager.
 * Needs    to be included by one file of a program.
 * Memory   the caller's pool.   Threads: any, no state. */
#ifndef HTTPD_ALONE_H
#define HTTPD_ALONE_H

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "httpd.h"
#include "apr_lib.h"
#include "apr_strings.h"
#include "http_config.h"

module balancer_manager_module;

int ap_cstr_casecmp(const char *a, const char *b)
{
    return strcasecmp(a, b);
}

int ap_cstr_casecmpn(const char *a, const char *b, apr_size_t n)
{
    return strncasecmp(a, b, n);
}

static int digit_of(char hex)
{
    return apr_isdigit(hex) ? hex - '0' : apr_tolower(hex) - 'a' + 10;
}

/* Of many things that are wrong, one that is no escape is told first. */
int ap_unescape_urlencoded(char *query)
{
    int status = OK;
    char *to = query;

    for (const char *in = query; *in; in++) {
        *to = *in == '+' ? ' ' : *in;
        if (*in == '%' && apr_isxdigit(in[1]) && apr_isxdigit(in[2])) {
            *to = (char)(digit_of(in[1]) << 4 | digit_of(in[2]));
            in += 2;
            if (*to == '\0' && status == OK) {
                status = HTTP_NOT_FOUND;
            }
        }
        else if (*in == '%') {
            status = HTTP_BAD_REQUEST;
        }
        to++;
    }
    *to = '\0';
    return status;
}

char *ap_os_escape_path(apr_pool_t *p, const char *path, int partial)
{
    char *escaped = apr_palloc(p, 3 * strlen(path) + 1), *to = escaped;

    for (; *path; path++) {
        if (apr_isalnum(*path) || strchr("$-_.+!*'(),:@&=/~", *path)) {
            *to++ = *path;
        }
        else {
            to += apr_snprintf(to, 4, "%%%02x", (unsigned char)*path);
        }
    }
    *to = '\0';
    return escaped;
}

char *ap_escape_html2(apr_pool_t *p, const char *text, int toasc)
{
    return apr_pstrdup(p, text);
}

/* `*` and `?`; as in the function of httpd, 0 is a match. */
int ap_strcasecmp_match(const char *text, const char *pattern)
{
    for (; *pattern; pattern++, text++) {
        if (*pattern == '*') {
            while (*text && ap_strcasecmp_match(text, pattern + 1) != 0) {
                text++;
            }
            return ap_strcasecmp_match(text, pattern + 1);
        }
        if (!*text || (*pattern != '?' && apr_tolower(*text) != apr_tolower(*pattern))) {
            return 1;
        }
    }
    return *text != '\0';
}

/* One of the list's elements, which are separated by commas outside of quotes. */
int ap_find_etag_strong(apr_pool_t *p, const char *list, const char *etag)
{
    const size_t bytes = strlen(etag);
    bool is_quoted = false, is_start = true;

    for (const char *at = list; *at; at++) {
        if (is_start && strncmp(at, etag, bytes) == 0 && strchr(", \t", at[bytes])) {
            return 1;
        }
        is_quoted ^= *at == '"';
        is_start = !is_quoted && (*at == ',' || (is_start && (*at == ' ' || *at == '\t')));
    }
    return 0;
}

#endif
