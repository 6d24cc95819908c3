/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* session_cookie.c - see session_cookie.h. */
#include "session_cookie.h"

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"
#include "cluster.h"
#include "fastcgi_log.h"
#include "http_log.h"
#include "sticky.h"
#include "sticky_cookie.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

static const lb_sticky_cookie_settings_t *settings_of(const proxy_balancer *balancer)
{
    return lb_cluster_of(balancer)->settings->sticky_cookie;
}

bool lb_session_cookie_is_on(const proxy_balancer *balancer)
{
    return settings_of(balancer) != NULL;
}

/* ---- Values, made once for each member in each process --------------------------------------- */

struct lb_kept_cookie_t {
    lb_sticky_cookie_t value;
    char url[sizeof(((proxy_worker_shared *)0)->name_ex)];    /* whose: a slot may change hands */
    char socket[sizeof(((proxy_worker_shared *)0)->uds_path)];
};

static lb_kept_cookie_t *make_value(const proxy_balancer *balancer, const proxy_worker *member)
{
    lb_kept_cookie_t *kept = malloc(sizeof(*kept));    /* no pool: several threads may be here */

    if (!kept) {
        return NULL;
    }
    PROXY_STRNCPY(kept->url, member->s->name_ex);
    PROXY_STRNCPY(kept->socket, member->s->uds_path);
    if (!lb_sticky_cookie_make(settings_of(balancer)->key, balancer->s->name, kept->socket,
                               kept->url, &kept->value)) {
        free(kept);
        return NULL;
    }
    return kept;
}

/* returns  NULL when there is no memory for it */
static const lb_sticky_cookie_t *value_of(const proxy_balancer *balancer,
                                          const proxy_worker *member)
{
    _Atomic(lb_kept_cookie_t *) *place = &lb_cluster_of(balancer)->cookies[member->s->index];
    lb_kept_cookie_t *kept = atomic_load_explicit(place, memory_order_acquire);

    if (kept && strcmp(kept->url, member->s->name_ex) == 0
        && strcmp(kept->socket, member->s->uds_path) == 0) {
        return &kept->value;
    }
    lb_kept_cookie_t *made = make_value(balancer, member);
    if (!made) {
        ap_log_error(APLOG_MARK, APLOG_ERR, APR_ENOMEM, lb_cluster_of(balancer)->server,
                     FCLOGNO(0480) "%s: no memory for the session cookie of member %s",
                     balancer->s->name, member->s->name_ex);
        return NULL;
    }
    if (!atomic_compare_exchange_strong(place, &kept, made)) {
        lb_kept_cookie_t *others = kept;    /* another thread was faster: for the same member */
        if (others && strcmp(others->value.text, made->value.text) == 0) {
            free(made);
            return &others->value;
        }
        atomic_store(place, made);
    }
    /* A value that was kept before is not freed, since others may be reading it: some bytes for
     * each time that an operator gives a slot to another member. */
    return &made->value;
}

int lb_session_cookie_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                  server_rec *s)
{
    const apr_array_header_t *all = lb_cluster_all();

    for (int i = 0; all && i < all->nelts; i++) {
        lb_cluster_t *cluster = APR_ARRAY_IDX(all, i, lb_cluster_t *);
        if (cluster->settings->sticky_cookie) {
            cluster->cookies =
                apr_pcalloc(pconf, (apr_size_t)cluster->slots * sizeof(*cluster->cookies));
        }
    }
    return OK;
}

/* ---- In a request ---------------------------------------------------------------------------- */

static proxy_worker *member_of_value(const proxy_balancer *balancer, fcgi_span_t given)
{
    proxy_worker *found = NULL;

    if (given.bytes != LB_STICKY_COOKIE_CHARS) {
        return NULL;
    }
    for (int i = 0; i < balancer->workers->nelts; i++) {    /* all: the time tells nothing */
        proxy_worker *member = lb_cluster_member(balancer, i);
        const lb_sticky_cookie_t *value = member ? value_of(balancer, member) : NULL;
        if (value && lb_sticky_cookie_is(given, value)) {
            found = member;
        }
    }
    return found;
}

/* A browser may send several cookies of one name (of several paths): the first of ours counts. More
 * than a few are nobody's honest sessions, and each is compared with all members. */
#define CANDIDATES_MAX 8

static proxy_worker *member_of_cookies(const proxy_balancer *balancer, const char *cookies)
{
    const char *name = settings_of(balancer)->name;
    fcgi_span_t value = lb_sticky_in_cookies(cookies, name);

    for (int tried = 0; value.at && tried < CANDIDATES_MAX; tried++) {
        while (value.bytes > 0 && strchr(" \t", value.at[value.bytes - 1])) {
            value.bytes--;
        }
        proxy_worker *member = member_of_value(balancer, value);
        if (member) {
            return member;
        }
        value = lb_sticky_in_cookies((const char *)value.at + value.bytes, name);
    }
    return NULL;
}

/* Our field in what the answer will carry; NULL when it has none yet. */
static apr_table_entry_t *field_in_answer(request_rec *r, const char *name)
{
    const apr_array_header_t *fields = apr_table_elts(r->err_headers_out);
    const size_t name_bytes = strlen(name);

    for (int i = 0; i < fields->nelts; i++) {
        apr_table_entry_t *field = &APR_ARRAY_IDX(fields, i, apr_table_entry_t);
        if (ap_cstr_casecmp(field->key, "Set-Cookie") == 0
            && strncmp(field->val, name, name_bytes) == 0 && field->val[name_bytes] == '=') {
            return field;
        }
    }
    return NULL;
}

proxy_worker *lb_session_cookie_member(const lb_ticket_t *ticket, bool *is_new)
{
    request_rec *r = ticket->r;
    const char *name = settings_of(ticket->balancer)->name;
    const apr_table_entry_t *field = field_in_answer(r, name);

    *is_new = false;
    if (field) {
        const char *value = field->val + strlen(name) + 1;
        proxy_worker *member =
            member_of_value(ticket->balancer, fcgi_span(value, strcspn(value, ";")));
        *is_new = member != NULL;
        if (member) {
            return member;
        }
    }
    const char *cookies = apr_table_get(r->headers_in, "Cookie");
    return cookies ? member_of_cookies(ticket->balancer, cookies) : NULL;
}

/* ---- In the answer --------------------------------------------------------------------------- */

/* The answer is one client's: others must not get its Set-Cookie from a cache. For shared caches on
 * the way that is private="Set-Cookie" (RFC 9111, 5.2.2.7: the rest may be stored). mod_cache in
 * this httpd looks at Cache-Control in one of the two tables only, so that this field would hide a
 * no-store of the application; it does obey no_cache. */
static void keep_out_of_caches(request_rec *r)
{
    apr_table_mergen(r->err_headers_out, "Cache-Control", "private=\"Set-Cookie\"");
    r->no_cache = 1;
}

void lb_session_cookie_set(const lb_ticket_t *ticket)
{
    const lb_sticky_cookie_settings_t *settings = settings_of(ticket->balancer);
    const lb_sticky_cookie_t *value = value_of(ticket->balancer, ticket->member);
    request_rec *r = ticket->r;

    if (!value) {
        return;
    }
    char *text = apr_pstrcat(r->pool, settings->name, "=", value->text, settings->attributes, NULL);
    apr_table_entry_t *field = field_in_answer(r, settings->name);
    if (field) {
        field->val = text;
        return;
    }
    apr_table_addn(r->err_headers_out, "Set-Cookie", text);
    keep_out_of_caches(r);
}
