/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* csrf.c - the key of the tokens, and where a request says that it comes from.
 * Knows    Origin (RFC 6454, 7), Referer (RFC 9110, 10.1.3), Sec-Fetch-Site (W3C Fetch Metadata).
 * Ignores  what the user may do: rights.c.
 * Memory   the key lies in the pool of the process; tokens in r->pool.
 * Threads  the key is read-only at run time. */
#include "csrf.h"

#include <openssl/crypto.h>
#include <string.h>

#include "apr_strings.h"
#include "apr_uri.h"
#include "bearer.h"
#include "clock.h"
#include "fastcgi_log.h"
#include "host_name.h"
#include "http_core.h"
#include "http_log.h"
#include "kept_key.h"
#include "login.h"
#include "token.h"

APLOG_USE_MODULE(balancer_manager);

static const char key_name[] = "balancer_manager.csrf_key";
static const unsigned char *key;

int mgr_csrf_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    const apr_status_t rv = fc_kept_key(s->process->pool, key_name, MGR_TOKEN_KEY_BYTES, &key);

    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, FCLOGNO(0640)
                     "cannot get random bytes for the key of the manager's tokens");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return OK;
}

/* ---- Tokens ---------------------------------------------------------------------------------- */

static const char *user_of(request_rec *r)
{
    const char *user = mgr_login_user(r);
    return user ? user : "-";
}

static uint32_t now_seconds(void)
{
    return (uint32_t)apr_time_sec(fc_now());
}

const char *mgr_csrf_token(request_rec *r)
{
    char *token = apr_palloc(r->pool, MGR_TOKEN_CHARS + 1);

    mgr_token_make(key, user_of(r), now_seconds(), token);
    return token;
}

/* returns  NULL when it is good */
static const char *judge_token(request_rec *r, const char *given)
{
    static const char *const reasons[] = {
        [MGR_TOKEN_NONE] = "the token is invalid: reload the page",
        [MGR_TOKEN_FORGED] = "the token is another user's, or older than the last start of httpd: "
                             "reload the page",
        [MGR_TOKEN_EXPIRED] = "the token is older than 12 hours: reload the page",
    };

    return given && *given ? reasons[mgr_token_judge(key, user_of(r), now_seconds(), given)]
                           : "the token is missing";
}

/* ---- Where from ------------------------------------------------------------------------------ */

/* The host only: ports differ when a proxy or a container maps them. */
static bool is_ours(request_rec *r, const char *url)
{
    apr_uri_t from;

    return apr_uri_parse(r->pool, url, &from) == APR_SUCCESS && from.hostname
           && mgr_host_name_was_used(r, from.hostname);
}

/* Then it says from where. */
static bool is_browser(const request_rec *r)
{
    return apr_table_get(r->headers_in, "Origin") || apr_table_get(r->headers_in, "Sec-Fetch-Site");
}

/* "none" is what the user has typed; an old browser does not say: then the token decides. */
static const char *judge_source(request_rec *r)
{
    const char *site = apr_table_get(r->headers_in, "Sec-Fetch-Site");
    const char *origin = apr_table_get(r->headers_in, "Origin");
    const char *referer = apr_table_get(r->headers_in, "Referer");

    if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0) {
        return "the Sec-Fetch-Site header says that it comes from another site";
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

    if (refusal || mgr_bearer_is_sender(r)) {
        return refusal;
    }
    if (!*nonce) {
        return apr_table_get(r->headers_in, "Origin") || apr_table_get(r->headers_in, "Referer")
                   ? NULL
                   : "with nonce=None a change needs an Origin or a Referer header";
    }
    return given && mgr_token_is_same_secret(nonce, given) ? NULL : judge_token(r, given);
}

const char *mgr_csrf_refusal_of_json(request_rec *r)
{
    const char *refusal = judge_source(r);
    const char *given = apr_table_get(r->headers_in, "X-CSRF-Token");

    if (refusal || mgr_bearer_is_sender(r)) {
        return refusal;
    }
    if (given) {
        return judge_token(r, given);
    }
    return mgr_login_user(r) && !is_browser(r)
               ? NULL
               : "the token is missing: send the page's token in X-CSRF-Token, or a "
                 "secret of BalancerManagerToken; a script that logs in needs neither";
}
