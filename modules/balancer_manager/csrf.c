/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* csrf.c - tokens, and where a request says that it comes from.
 * Knows    Origin (RFC 6454, 7), Referer (RFC 9110, 10.1.3), Sec-Fetch-Site (W3C Fetch Metadata).
 * Ignores  what the user may do: rights.c.
 * Memory   the key lies in the pool of the process; tokens in r->pool.
 * Threads  the key is read-only at run time.
 *
 * A token is "when-mac": when it was made, in hexadecimal seconds, and the first half of
 * HMAC-SHA256(key, when | user). There is nothing to keep on the server, and it is as good after a
 * graceful restart. It names no balancer: one page changes many. */
#include "csrf.h"

#include <string.h>

#include <apr_general.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_uri.h>
#include <http_core.h>
#include <http_log.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "fastcgi_log.h"

APLOG_USE_MODULE(balancer_manager);

enum {
    KEY_BYTES = 32,
    WHEN_DIGITS = 8,
    MAC_BYTES = 16,
    TOKEN_CHARS = WHEN_DIGITS + 1 + 2 * MAC_BYTES,
    LIFE_SECONDS = 12 * 3600
};

static const char key_name[] = "balancer_manager.csrf_key";
static const unsigned char *key;

int mgr_csrf_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    apr_pool_t *process = s->process->pool;
    void *found = NULL;

    apr_pool_userdata_get(&found, key_name, process);
    if (!found) {
        found = apr_palloc(process, KEY_BYTES);
        const apr_status_t rv = apr_generate_random_bytes(found, KEY_BYTES);
        if (rv != APR_SUCCESS) {
            ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, FCLOGNO(0640)
                         "no random bytes for the key of the manager's tokens");
            return HTTP_INTERNAL_SERVER_ERROR;
        }
        /* not setn: this module, and the name with it, is loaded anew at each restart */
        apr_pool_userdata_set(found, key_name, NULL, process);
    }
    key = found;
    return OK;
}

/* ---- Tokens ---------------------------------------------------------------------------------- */

static const char *token_made_at(request_rec *r, apr_uint32_t when)
{
    const char *user = r->user ? r->user : "-";
    const char *text = apr_psprintf(r->pool, "%08x|%s", when, user);
    unsigned char mac[EVP_MAX_MD_SIZE];
    char *token = apr_pcalloc(r->pool, TOKEN_CHARS + 1);

    if (!HMAC(EVP_sha256(), key, KEY_BYTES, (const unsigned char *)text, strlen(text), mac, NULL)) {
        return NULL;
    }
    apr_snprintf(token, TOKEN_CHARS + 1, "%08x-", when);
    ap_bin2hex(mac, MAC_BYTES, token + WHEN_DIGITS + 1);
    return token;
}

static apr_uint32_t now_seconds(void)
{
    return (apr_uint32_t)apr_time_sec(apr_time_now());
}

const char *mgr_csrf_token(request_rec *r)
{
    const char *token = token_made_at(r, now_seconds());
    return token ? token : "";
}

int mgr_csrf_is_same_secret(const char *a, const char *b)
{
    const size_t bytes = strlen(a);
    return strlen(b) == bytes && CRYPTO_memcmp(a, b, bytes) == 0;
}

/* returns  NULL when it is good */
static const char *judge_token(request_rec *r, const char *given)
{
    if (!given || !*given) {
        return "the token is missing";
    }
    if (strlen(given) != TOKEN_CHARS || given[WHEN_DIGITS] != '-'
        || strspn(given, "0123456789abcdef") != WHEN_DIGITS) {
        return "the token is not one of this page: reload the page";
    }
    const apr_uint32_t when =
        (apr_uint32_t)apr_strtoi64(apr_pstrndup(r->pool, given, WHEN_DIGITS), NULL, 16);
    const char *expected = token_made_at(r, when);
    if (!expected || !mgr_csrf_is_same_secret(expected, given)) {
        return "the token is not this user's, or older than the last start of httpd: "
               "reload the page";
    }
    return now_seconds() - when > LIFE_SECONDS
               ? "the token is older than 12 hours: reload the page" : NULL;
}

/* ---- Where from ------------------------------------------------------------------------------ */

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

int mgr_csrf_is_browser(request_rec *r)
{
    return apr_table_get(r->headers_in, "Origin") || apr_table_get(r->headers_in, "Sec-Fetch-Site");
}

/* "none" is what the user has typed; an old browser does not say: then the token decides. */
static const char *judge_source(request_rec *r)
{
    const char *site = apr_table_get(r->headers_in, "Sec-Fetch-Site");
    const char *origin = apr_table_get(r->headers_in, "Origin");
    const char *referer = apr_table_get(r->headers_in, "Referer");

    if (site && strcmp(site, "same-origin") && strcmp(site, "none")) {
        return "the Sec-Fetch-Site header says that another site's page has sent it";
    }
    if (origin && !is_ours(r, origin)) {
        return "the Origin header names another host";
    }
    if (referer && !is_ours(r, referer)) {
        return "the Referer header names another host";
    }
    return NULL;
}

const char *mgr_csrf_refusal_of_form(request_rec *r, const char *given, const char *nonce)
{
    const char *refusal = judge_source(r);

    if (refusal) {
        return refusal;
    }
    if (!*nonce) {
        return apr_table_get(r->headers_in, "Origin") || apr_table_get(r->headers_in, "Referer")
                   ? NULL : "with nonce=None a change needs an Origin or a Referer header";
    }
    return given && mgr_csrf_is_same_secret(nonce, given) ? NULL : judge_token(r, given);
}

const char *mgr_csrf_refusal_of_json(request_rec *r)
{
    const char *refusal = judge_source(r);
    const char *given = apr_table_get(r->headers_in, "X-CSRF-Token");

    if (refusal || (!mgr_csrf_is_browser(r) && !given)) {
        return refusal;
    }
    return judge_token(r, given);
}
