/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* httpd.h - the headers of this folder make each supported httpd look like the newest one: they
 *           stand before httpd's own, include those, and add what they lack. All tests of httpd's
 *           version are here; each says which version made it needless.
 * Knows    the module magic numbers (ap_mmn.h): 2.4 counts in 20120211, 2.5 (trunk) in 2021.
 * Ignores  what a vendor has backported: nothing here is in the way of it. */
#ifndef FC_COMPAT_HTTPD_H
#define FC_COMPAT_HTTPD_H

#ifndef __linux__
#error "These modules need Linux; docs/PLATFORMS.md lists what a port needs."
#endif

#include <stdbool.h>

#include_next "httpd.h"

#include "ap_mmn.h"

#define FC_HTTPD_IS_2_5 AP_MODULE_MAGIC_AT_LEAST(20211221, 0)

/* Is it 2.4 from the first minor number on, or 2.5 from the second on? */
#define FC_HTTPD_HAS(in_2_4, in_2_5)                                                  \
    ((MODULE_MAGIC_NUMBER_MAJOR == 20120211 && MODULE_MAGIC_NUMBER_MINOR >= (in_2_4)) \
     || AP_MODULE_MAGIC_AT_LEAST(20211221, in_2_5))

#if !FC_HTTPD_HAS(83, 0)    /* 2.4.37 */
#error "These modules need Apache httpd 2.4.37 or later."
#endif

#if !FC_HTTPD_HAS(93, 0)    /* 2.4.44 */
#include "apr_lib.h"
#include "apr_strings.h"

static inline int fc_parse_strict_length(apr_off_t *length, const char *text)
{
    char *end;
    return apr_isdigit(*text) && apr_strtoff(length, text, &end, 10) == APR_SUCCESS && !*end;
}
#define ap_parse_strict_length fc_parse_strict_length
#endif

#if !FC_HTTPD_HAS(118, 0)    /* 2.4.51; for http_request.h only */
#define AP_UNESCAPE_URL_KEEP_UNRESERVED 0
#define AP_UNESCAPE_URL_KEEP_SLASHES    0
#define ap_unescape_url_ex(url, flags)  ap_unescape_url_keep2f(url, flags)
#endif

#if !FC_HTTPD_HAS(135, 20)    /* 2.4.63; no MPM of these says that it can (ap_mpm.h) */
#define CONN_STATE_ASYNC_WAITIO CONN_STATE_SUSPENDED
#endif

/* Has it a body, or may it have one? mod_http2 of 2.5 makes up no Transfer-Encoding for a body
 * without a length, and ap_request_has_body() does not know of that. */
static inline bool fc_request_has_body(request_rec *r)
{
#if AP_MODULE_MAGIC_AT_LEAST(20211221, 6)
    if (r->body_indeterminate && !r->header_only) {
        return true;
    }
#endif
    return ap_request_has_body(r);
}

/* Does r->sent_bodyct say that a head has left, also for HEAD? With HTTP/1 only since 2.5. */
static inline bool fc_sent_body_means_head(const request_rec *r)
{
    return FC_HTTPD_IS_2_5 || r->connection->master;
}

/* What of ours this httpd cannot do, and since when httpd can; the table is in README.md. */
static const char fc_httpd_lacks[] __attribute__((unused)) =
#if !FC_HTTPD_HAS(109, 0)    /* 2.4.49 */
    ", %2F in paths of the manager (2.4.49)"
#endif
#if !FC_HTTPD_HAS(124, 0)    /* 2.4.53 */
    ", members with names of more than 94 characters (2.4.53)"
#endif
#if !FC_HTTPD_HAS(130, 16)    /* 2.4.59 */
    ", addressttl= (2.4.59)"
#endif
#if !FC_HTTPD_HAS(137, 22)    /* 2.4.63 */
    ", waiting without a thread (2.4.63)"
#endif
    "";

#endif
