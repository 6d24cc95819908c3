/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* csrf.c - the nonce of a balancer, and where a request says that it comes from.
 * Knows    Origin (RFC 6454, 7) and Referer (RFC 9110, 10.1.3).
 * Ignores  who the user is: Require decides that before the handler runs.
 * Memory   r->pool.   Threads: any, no state. */
#include "csrf.h"

#include <string.h>

#include <apr_uri.h>
#include <http_core.h>

int mgr_csrf_is_same_secret(const char *a, const char *b)
{
    const size_t bytes = strlen(a);
    volatile unsigned char difference = 0;

    if (strlen(b) != bytes) {
        return 0;
    }
    for (size_t i = 0; i < bytes; i++) {
        difference |= (unsigned char)(a[i] ^ b[i]);
    }
    return difference == 0;
}

/* Host names, an IPv6 address with or without its brackets. */
static int is_same_host(const char *a, const char *b)
{
    if (!a || !b) {
        return 0;
    }
    const size_t a_open = *a == '[', b_open = *b == '[';
    const size_t a_bytes = strcspn(a + a_open, "]"), b_bytes = strcspn(b + b_open, "]");

    return a_bytes == b_bytes && !ap_cstr_casecmpn(a + a_open, b + b_open, a_bytes);
}

/* The host only: ports differ when a proxy or a container maps them. ServerName counts too, since
 * with UseCanonicalName scripts had to send that one to stock. */
static int is_ours(request_rec *r, const char *url)
{
    apr_uri_t from;

    return apr_uri_parse(r->pool, url, &from) == APR_SUCCESS && from.hostname
           && (is_same_host(from.hostname, r->hostname)
               || is_same_host(from.hostname, ap_get_server_name(r)));
}

const char *mgr_csrf_refusal(request_rec *r, const char *expected, const char *given)
{
    const char *origin = apr_table_get(r->headers_in, "Origin");
    const char *referer = apr_table_get(r->headers_in, "Referer");

    if (origin && !is_ours(r, origin)) {
        return "the Origin header names another host";
    }
    if (referer && !is_ours(r, referer)) {
        return "the Referer header names another host";
    }
    if (*expected) {
        if (!given) {
            return "the nonce is missing";
        }
        return mgr_csrf_is_same_secret(expected, given)
                   ? NULL
                   : "the nonce is not the balancer's: load the page again";
    }
    return origin || referer ? NULL
                             : "with nonce=None a change needs an Origin or a Referer header";
}
