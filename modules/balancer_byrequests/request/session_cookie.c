/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* session_cookie.c - see session_cookie.h. */
#include "session_cookie.h"

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"
#include "fastcgi_log.h"
#include "http_log.h"
#include "sticky.h"
#include "sticky_cookie.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

static const lb_sticky_cookie_settings_t *settings_of(const lb_balancer_t *balancer)
{
    return balancer->settings->sticky_cookie;
}

bool lb_session_cookie_is_on(const lb_balancer_t *balancer)
{
    return settings_of(balancer) != NULL;
}

/* ---- Values, made once for each member in each process --------------------------------------- */

struct lb_kept_cookie_t {
    lb_sticky_cookie_t value;
    char url[sizeof(((proxy_worker_shared *)0)->name_ex)];    /* whose: a slot may change hands */
    char socket[sizeof(((proxy_worker_shared *)0)->uds_path)];
};

static lb_kept_cookie_t *make_value(const lb_member_t *member)
{
    const lb_balancer_t *balancer = member->balancer;
    lb_kept_cookie_t *kept = malloc(sizeof(*kept));    /* no pool: several threads may be here */

    if (!kept) {
        return NULL;
    }
    PROXY_STRNCPY(kept->url, member->worker->s->name_ex);
    PROXY_STRNCPY(kept->socket, member->worker->s->uds_path);
    if (!lb_sticky_cookie_make(settings_of(balancer)->key, balancer->proxy->s->name,
                               kept->socket, kept->url, &kept->value)) {
        free(kept);
        return NULL;
    }
    return kept;
}

/* returns  NULL when there is no memory for it */
static const lb_sticky_cookie_t *value_of(const lb_member_t *member)
{
    const lb_balancer_t *balancer = member->balancer;
    const proxy_worker_shared *s = member->worker->s;
    _Atomic(lb_kept_cookie_t *) *place = &balancer->cookies[s->index];
    lb_kept_cookie_t *kept = atomic_load_explicit(place, memory_order_acquire);

    if (kept && strcmp(kept->url, s->name_ex) == 0
        && strcmp(kept->socket, s->uds_path) == 0) {
        return &kept->value;
    }
    lb_kept_cookie_t *made = make_value(member);
    if (!made) {
        ap_log_error(APLOG_MARK, APLOG_ERR, APR_ENOMEM, balancer->server, FCLOGNO(0480)
                     "%s: no memory for the session cookie of member %s",
                     balancer->proxy->s->name, s->name_ex);
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
    const apr_array_header_t *all = lb_balancer_all();

    for (int i = 0; all && i < all->nelts; i++) {
        lb_balancer_t *balancer = APR_ARRAY_IDX(all, i, lb_balancer_t *);
        if (balancer->settings->sticky_cookie) {
            balancer->cookies =
                apr_pcalloc(pconf, (apr_size_t)balancer->slots * sizeof(*balancer->cookies));
        }
    }
    return OK;
}

/* ---- In a request ---------------------------------------------------------------------------- */

static lb_member_t member_of_value(const lb_balancer_t *balancer, fc_span_t given)
{
    lb_member_t member, found = { 0 };

    if (given.bytes != LB_STICKY_COOKIE_CHARS) {
        return found;
    }
    for (int i = 0; lb_member_next(balancer, &i, &member);) {    /* all: the time tells nothing */
        const lb_sticky_cookie_t *value = value_of(&member);
        if (value && lb_sticky_cookie_is(given, value)) {
            found = member;
        }
    }
    return found;
}

/* A browser may send several cookies of one name (of several paths): the first of ours counts. More
 * than a few are nobody's honest sessions, and each is compared with all members. */
#define CANDIDATES_MAX 8

static lb_member_t member_of_cookies(const lb_balancer_t *balancer, const char *cookies)
{
    const char *name = settings_of(balancer)->name;
    fc_span_t value = lb_sticky_in_cookies(cookies, name);

    for (int tried = 0; value.at && tried < CANDIDATES_MAX; tried++) {
        while (value.bytes > 0 && strchr(" \t", value.at[value.bytes - 1])) {
            value.bytes--;
        }
        const lb_member_t member = member_of_value(balancer, value);
        if (member.worker) {
            return member;
        }
        value = lb_sticky_in_cookies((const char *)value.at + value.bytes, name);
    }
    return (lb_member_t){ 0 };
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

lb_member_t lb_session_cookie_member(const lb_ticket_t *ticket, bool *is_new)
{
    request_rec *r = ticket->r;
    const char *name = settings_of(ticket->balancer)->name;
    const apr_table_entry_t *field = field_in_answer(r, name);

    *is_new = false;
    if (field) {
        const char *value = field->val + strlen(name) + 1;
        const lb_member_t member =
            member_of_value(ticket->balancer, fc_span(value, strcspn(value, ";")));
        *is_new = member.worker != NULL;
        if (member.worker) {
            return member;
        }
    }
    const char *cookies = apr_table_get(r->headers_in, "Cookie");
    return cookies ? member_of_cookies(ticket->balancer, cookies) : (lb_member_t){ 0 };
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
    const lb_sticky_cookie_t *value = value_of(&ticket->member);
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
