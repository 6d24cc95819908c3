/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* operate.c - see operate.h. */
#include "operate.h"

#include "ap_provider.h"
#include "apr_strings.h"
#include "cluster.h"
#include "drain.h"

/* ---- What the action is about ---------------------------------------------------------------- */

static lb_cluster_t *find_cluster(const lb_action_t *action)
{
    const apr_array_header_t *all = lb_cluster_all();

    for (int i = 0; i < all->nelts; i++) {
        lb_cluster_t *cluster = APR_ARRAY_IDX(all, i, lb_cluster_t *);
        const char *key = cluster->balancer->s->name + sizeof(BALANCER_PREFIX) - 1;
        if (strcasecmp(key, action->balancer) == 0
            && (!action->vhost || strcmp(cluster->vhost, action->vhost) == 0)) {
            return cluster;
        }
    }
    return NULL;
}

/* By its URL, or by its name as it is shown. */
static proxy_worker *find_member(apr_pool_t *p, const proxy_balancer *b, const char *name)
{
    for (int i = 0; i < b->workers->nelts; i++) {
        proxy_worker *member = lb_cluster_member(b, i);
        if (member && (strcmp(member->s->name_ex, name) == 0
                       || strcmp(ap_proxy_worker_name(p, member), name) == 0)) {
            return member;
        }
    }
    return NULL;
}

/* ---- Is it right? Nothing is changed before all of it is. ------------------------------------ */

static const char *check_text(apr_pool_t *p, const char *what, const char *value, size_t room)
{
    if (value && strlen(value) >= room) {
        return apr_psprintf(p, "%s is longer than %d characters", what, (int)room - 1);
    }
    return NULL;
}

static const char *check_drain(const lb_action_t *a)
{
    if (a->drain_deadline < -1 || a->drain_deadline > LB_DRAIN_MAX) {
        return "the time to drain must be from 0 to 30 days";
    }
    for (size_t i = 0; i < sizeof(a->status) / sizeof(a->status[0]) && a->status[i].flag; i++) {
        if (a->drain_deadline > 0 && a->status[i].flag == 'N' && !a->status[i].set) {
            return "a time to drain goes with the status flag N, not with its end";
        }
    }
    return NULL;
}

static const char *check_member(apr_pool_t *p, const lb_action_t *a, const proxy_worker *member)
{
    const char *err = NULL;

    if (a->weight_hundredths != -1
        && (a->weight_hundredths < 100 || a->weight_hundredths > 10000)) {
        return "the load factor must be a number from 1 to 100";
    }
    if (a->lbset != -1 && (a->lbset < 0 || a->lbset > 99)) {
        return "lbset must be a number from 0 to 99";
    }
    for (size_t i = 0; i < sizeof(a->status) / sizeof(a->status[0]) && a->status[i].flag; i++) {
        if (!strchr("INDHRSC", a->status[i].flag)) {
            return apr_psprintf(p, "there is no status flag %c; use I, N, D, H, R, S or C",
                                a->status[i].flag);
        }
    }
    err = check_drain(a);
    err = err ? err : check_text(p, "the route", a->route, sizeof(member->s->route));
    return err ? err : check_text(p, "the redirect route", a->redirect,
                                  sizeof(member->s->redirect));
}

static const char *check_balancer(apr_pool_t *p, const lb_action_t *a, const proxy_balancer *b)
{
    if (a->timeout != -1 && (a->timeout < 0 || a->timeout > apr_time_from_sec(7200))) {
        return "the timeout must be from 0 to 7200 seconds";
    }
    if (a->max_attempts != -1 && (a->max_attempts < 0 || a->max_attempts > 99)) {
        return "the failover attempts must be a number from 0 to 99";
    }
    if (a->lbmethod && !ap_lookup_provider(PROXY_LBMETHOD, a->lbmethod, "0")) {
        return apr_psprintf(p, "there is no lbmethod %s; is its module loaded?", a->lbmethod);
    }
    return check_text(p, "the sticky session name", a->sticky, sizeof(b->s->sticky_path));
}

static const char *check_new_member(apr_pool_t *p, const lb_action_t *a, const proxy_balancer *b)
{
    if (!a->new_member) {
        return NULL;
    }
    if (find_member(p, b, a->new_member)) {
        return apr_psprintf(p, "%s already has a member %s", b->s->name, a->new_member);
    }
    if (b->storage->num_free_slots(b->wslot) == 0) {
        return apr_psprintf(p, "%s has no free slot for a new member; give it some with "
                            "ProxySet growth=N and restart", b->s->name);
    }
    return NULL;
}

/* ---- Do it ----------------------------------------------------------------------------------- */

static void change_member(const lb_action_t *a, proxy_balancer *b, proxy_worker *member)
{
    const int was_usable = PROXY_WORKER_IS_USABLE(member);

    if (a->weight_hundredths != -1) {
        member->s->lbfactor = a->weight_hundredths;
    }
    if (a->lbset != -1) {
        member->s->lbset = a->lbset;
    }
    if (a->route) {
        PROXY_STRNCPY(member->s->route, a->route);
    }
    if (a->redirect) {
        PROXY_STRNCPY(member->s->redirect, a->redirect);
    }
    lb_drain_forget_old(b, member);
    for (size_t i = 0; i < sizeof(a->status) / sizeof(a->status[0]) && a->status[i].flag; i++) {
        ap_proxy_set_wstatus(a->status[i].flag, a->status[i].set, member);
    }
    lb_drain_change(b, member, a->drain_deadline);
    if (!was_usable && PROXY_WORKER_IS_USABLE(member)) {
        b->s->need_reset = 1;    /* for stock's methods; ours needs none */
    }
}

static void change_sticky(proxy_balancer_shared *s, const char *value)
{
    if (strcmp(value, "-") == 0) {
        *s->sticky = *s->sticky_path = '\0';
        return;
    }
    PROXY_STRNCPY(s->sticky, value);
    PROXY_STRNCPY(s->sticky_path, value);
    char *bar = strchr(s->sticky, '|');
    if (bar) {
        PROXY_STRNCPY(s->sticky_path, bar + 1);
        *bar = '\0';
    }
}

static void change_balancer(const lb_action_t *a, proxy_balancer *b)
{
    if (a->timeout != -1) {
        b->s->timeout = a->timeout;
    }
    if (a->max_attempts != -1) {
        b->s->max_attempts = a->max_attempts;
        b->s->max_attempts_set = 1;
    }
    if (a->nofailover != -1) {
        b->s->sticky_force = a->nofailover != 0;
    }
    if (a->sticky) {
        change_sticky(b->s, a->sticky);
    }
    if (a->lbmethod && strcmp(a->lbmethod, b->s->lbpname) != 0) {
        PROXY_STRNCPY(b->s->lbpname, a->lbmethod);
        b->lbmethod = ap_lookup_provider(PROXY_LBMETHOD, a->lbmethod, "0");
        b->s->need_reset = 1;
        b->s->wupdated = apr_time_now();    /* the other processes take it over */
    }
}

/* It comes up disabled, so that it can be looked at first. */
static const char *add_member(apr_pool_t *p, const lb_cluster_t *cluster, const char *url)
{
    proxy_balancer *b = cluster->balancer;
    proxy_server_conf *conf = b->sconf;
    proxy_worker *member = NULL;
    proxy_worker_shared *memory;
    unsigned int slot;

    const char *err = ap_proxy_define_worker(conf->pool, &member, b, conf, url, 0);
    if (err) {
        return apr_psprintf(p, "%s: %s", url, err);
    }
    PROXY_COPY_CONF_PARAMS(member, conf);
    if (b->storage->grab(b->wslot, &slot) != APR_SUCCESS
        || b->storage->dptr(b->wslot, slot, (void **)&memory) != APR_SUCCESS
        || ap_proxy_share_worker(member, memory, (int)slot) != APR_SUCCESS
        || ap_proxy_initialize_worker(member, cluster->server, conf->pool) != APR_SUCCESS) {
        b->workers->nelts--;
        return apr_psprintf(p, "%s: no shared memory for the new member", url);
    }
    lb_table_reset_member(lb_cluster_row(b, member));
    ap_proxy_set_wstatus(PROXY_WORKER_DISABLED_FLAG, 1, member);
    member->s->updated = apr_time_now();
    lb_cluster_members_changed(b);
    return NULL;
}

const char *lb_operate_apply(apr_pool_t *p, server_rec *any, const lb_action_t *action)
{
    lb_cluster_t *cluster = find_cluster(action);
    if (!cluster) {
        return apr_psprintf(p, "there is no balancer %s%s%s", action->balancer,
                            action->vhost ? " in " : "", action->vhost ? action->vhost : "");
    }
    proxy_balancer *b = cluster->balancer;
    lb_cluster_sync(b, any);

    proxy_worker *member = action->member ? find_member(p, b, action->member) : NULL;
    if (action->member && !member) {
        return apr_psprintf(p, "%s has no member %s", b->s->name, action->member);
    }
    const char *err = member ? check_member(p, action, member) : NULL;
    err = err ? err : check_balancer(p, action, b);

    PROXY_GLOBAL_LOCK(b);
    err = err ? err : check_new_member(p, action, b);
    if (!err && action->new_member) {
        err = add_member(p, cluster, action->new_member);
    }
    if (!err) {
        if (member) {
            change_member(action, b, member);
        }
        change_balancer(action, b);
    }
    PROXY_GLOBAL_UNLOCK(b);
    return err;
}
