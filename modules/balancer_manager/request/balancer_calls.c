/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* balancer_calls.c - reaches the balancers through include/mod_balancer_byrequests.h and nothing
 *                    else.
 * Knows    the optional functions, and how stock's scripts name balancers and members.
 * Ignores  pages and forms.
 * Memory   snapshots live in r->pool.
 * Threads  the pointers are written while the configuration is read, by one thread. */
#include "balancer_calls.h"

#include <string.h>

#include "apr_strings.h"
#include "csrf.h"
#include "login.h"
#include "token.h"

static APR_OPTIONAL_FN_TYPE(lb_snapshot) *take_snapshot;
static APR_OPTIONAL_FN_TYPE(lb_snapshot_each) *take_each;
static APR_OPTIONAL_FN_TYPE(lb_exemplars_read) *read_exemplars;
static APR_OPTIONAL_FN_TYPE(lb_member_detail) *member_detail;
static APR_OPTIONAL_FN_TYPE(lb_change_all) *change_all;
static APR_OPTIONAL_FN_TYPE(lb_change_errors) *change_errors;
static APR_OPTIONAL_FN_TYPE(lb_change_listen) *change_listen;
static APR_OPTIONAL_FN_TYPE(lb_change_travels) *change_travels;
static APR_OPTIONAL_FN_TYPE(lb_fleet_view) *fleet_view;
static APR_OPTIONAL_FN_TYPE(lb_fleet_forget) *fleet_forget;

const char *mgr_balancer_calls_connect(void)
{
    take_snapshot = APR_RETRIEVE_OPTIONAL_FN(lb_snapshot);
    take_each = APR_RETRIEVE_OPTIONAL_FN(lb_snapshot_each);
    read_exemplars = APR_RETRIEVE_OPTIONAL_FN(lb_exemplars_read);
    member_detail = APR_RETRIEVE_OPTIONAL_FN(lb_member_detail);
    change_all = APR_RETRIEVE_OPTIONAL_FN(lb_change_all);
    change_errors = APR_RETRIEVE_OPTIONAL_FN(lb_change_errors);
    change_listen = APR_RETRIEVE_OPTIONAL_FN(lb_change_listen);
    change_travels = APR_RETRIEVE_OPTIONAL_FN(lb_change_travels);
    fleet_view = APR_RETRIEVE_OPTIONAL_FN(lb_fleet_view);
    fleet_forget = APR_RETRIEVE_OPTIONAL_FN(lb_fleet_forget);
    if (take_snapshot && take_each && read_exemplars && member_detail && change_all && change_errors
        && change_listen && change_travels && fleet_view && fleet_forget) {
        return NULL;
    }
    return "mod_balancer_manager needs mod_balancer_byrequests: a2enmod balancer_byrequests "
           "(or LoadModule balancer_byrequests_module modules/mod_balancer_byrequests.so)";
}

apr_array_header_t *mgr_balancer_calls_snapshot(request_rec *r)
{
    return take_snapshot(r->pool, r->server);
}

void mgr_balancer_calls_each(request_rec *r, mgr_balancer_calls_take_t *take, void *data)
{
    take_each(r->pool, r->server, take, data);
}

void mgr_balancer_calls_exemplars(const lb_exemplars_t *exemplars, lb_time_t time,
                                  lb_exemplar_t of_buckets[LB_HISTOGRAM_BUCKETS])
{
    read_exemplars(exemplars, time, of_buckets);
}

const lb_member_detail_t *mgr_balancer_calls_detail(request_rec *r,
                                                    const lb_balancer_view_t *balancer,
                                                    const lb_member_view_t *member)
{
    return member_detail(r->pool, balancer->owner_id, member->url);
}

const lb_change_result_t *mgr_balancer_calls_change(request_rec *r,
                                                    const apr_array_header_t *changes)
{
    const char *user = mgr_login_user(r);
    return change_all(r->pool, r->server, changes, user ? user : "-");
}

const apr_array_header_t *mgr_balancer_calls_check(request_rec *r,
                                                   const apr_array_header_t *changes)
{
    return change_errors(r->pool, r->server, changes);
}

void mgr_balancer_calls_listen(void (*hear)(const apr_array_header_t *heard))
{
    change_listen(hear);
}

bool mgr_balancer_calls_travels(const char *key, const char *vhost)
{
    return change_travels(key, vhost);
}

const lb_fleet_view_t *mgr_balancer_calls_fleet(request_rec *r)
{
    return fleet_view(r->pool);
}

const char *mgr_balancer_calls_forget(request_rec *r, const char *front)
{
    return fleet_forget(r->pool, front);
}

/* Stock's form escapes a value that the browser then escapes again: scripts send both forms. */
typedef struct {
    const char *given, *unescaped;
} name_t;

static name_t name_of(apr_pool_t *p, const char *given)
{
    char *unescaped = apr_pstrdup(p, given);

    ap_unescape_url(unescaped); /* its verdict is about paths, where %2F is not allowed */
    return (name_t){ given, unescaped };
}

static bool is_named(const name_t *wanted, const char *name)
{
    return strcmp(wanted->given, name) == 0 || strcmp(wanted->unescaped, name) == 0;
}

/* nonce    NULL: any */
static const lb_balancer_view_t *find(apr_pool_t *p, const apr_array_header_t *snapshot,
                                      const char *key, const char *vhost, const char *nonce)
{
    char *lower_key = apr_pstrdup(p, key);

    ap_str_tolower(lower_key); /* as mod_proxy does with the names of balancers */
    const name_t wanted = name_of(p, lower_key);
    const name_t wanted_vhost = name_of(p, vhost ? vhost : "");
    for (int i = 0; i < snapshot->nelts; i++) {
        const lb_balancer_view_t *balancer = &APR_ARRAY_IDX(snapshot, i, lb_balancer_view_t);
        if (is_named(&wanted, balancer->key)
            && (!*wanted_vhost.given || is_named(&wanted_vhost, balancer->vhost))
            && (!nonce || mgr_token_is_same_secret(nonce, balancer->nonce))) {
            return balancer;
        }
    }
    return NULL;
}

const lb_balancer_view_t *mgr_balancer_calls_find(apr_pool_t *p, const apr_array_header_t *snapshot,
                                                  const char *key, const char *vhost)
{
    return find(p, snapshot, key, vhost, NULL);
}

const lb_balancer_view_t *mgr_balancer_calls_find_by_nonce(apr_pool_t *p,
                                                           const apr_array_header_t *snapshot,
                                                           const char *key, const char *nonce)
{
    return find(p, snapshot, key, NULL, nonce);
}

/* As the balancer names a virtual host; it need not be one that has balancers. */
static const char *vhost_of(const request_rec *r)
{
    const server_rec *s = r->server;
    const char *name = s->server_hostname ? s->server_hostname : "_default_";
    const apr_port_t port = s->port    ? s->port
                            : s->addrs ? s->addrs->host_port
                                       : 0;

    return port ? apr_psprintf(r->pool, "%s:%d", name, port) : name;
}

const lb_balancer_view_t *mgr_balancer_calls_find_here(request_rec *r,
                                                       const apr_array_header_t *snapshot,
                                                       const char *key)
{
    const lb_balancer_view_t *here = find(r->pool, snapshot, key, vhost_of(r), NULL);
    const lb_balancer_view_t *owner = find(r->pool, snapshot, key, NULL, NULL);

    for (int i = 0; !here && i < snapshot->nelts; i++) {
        const lb_balancer_view_t *other = &APR_ARRAY_IDX(snapshot, i, lb_balancer_view_t);
        if (strcmp(other->key, owner->key) == 0 && other->owner_id != owner->id) {
            return NULL;
        }
    }
    return here ? here : owner;
}

const lb_member_view_t *mgr_balancer_calls_find_member(apr_pool_t *p,
                                                       const lb_balancer_view_t *balancer,
                                                       const char *url)
{
    const name_t wanted = name_of(p, url);

    const apr_array_header_t *members = balancer->owner->members;

    for (int i = 0; i < members->nelts; i++) {
        const lb_member_view_t *member = &APR_ARRAY_IDX(members, i, lb_member_view_t);
        if (is_named(&wanted, member->url) || is_named(&wanted, member->name)) {
            return member;
        }
    }
    return NULL;
}

bool mgr_balancer_calls_is_key_shared(const apr_array_header_t *snapshot,
                                      const lb_balancer_view_t *balancer)
{
    for (int i = 0; i < snapshot->nelts; i++) {
        const lb_balancer_view_t *other = &APR_ARRAY_IDX(snapshot, i, lb_balancer_view_t);
        if (strcmp(other->key, balancer->key) == 0
            && (other->owner != balancer->owner || balancer->inherited_from)) {
            return true;
        }
    }
    return false;
}
