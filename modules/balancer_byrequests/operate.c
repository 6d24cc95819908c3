/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* operate.c - see operate.h. */
#include "operate.h"

#include "ap_provider.h"
#include "apr_strings.h"
#include "membership.h"
#include "setting.h"
#include "state_keeper.h"

#define WAIT_FOR_SLOT_US apr_time_from_sec(3)
#define LOOK_AGAIN_US    (20 * 1000)

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
    err = check_text(p, "the route", a->route, sizeof(member->s->route));
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

/* One of these in an action: the others would need to know how it ended. */
static const char *check_membership(apr_pool_t *p, const lb_action_t *a,
                                    const lb_cluster_t *cluster, const proxy_worker *member)
{
    if (a->new_address || a->remove_member) {
        if (!member) {
            return "which member?";
        }
        if (a->new_address && a->remove_member) {
            return "a member can be removed or moved, not both";
        }
    }
    const char *err =
        a->new_member ? lb_membership_check_new(p, cluster, a->new_member) : NULL;
    if (!err && a->new_address) {
        err = lb_membership_check_move(p, cluster, member, a->new_address);
    }
    if (!err && a->remove_member) {
        err = lb_membership_check_removal(p, cluster, member);
    }
    return err;
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
    for (size_t i = 0; i < sizeof(a->status) / sizeof(a->status[0]) && a->status[i].flag; i++) {
        ap_proxy_set_wstatus(a->status[i].flag, a->status[i].set, member);
    }
    if (!was_usable && PROXY_WORKER_IS_USABLE(member)) {
        b->s->need_reset = 1;    /* for stock's methods; ours needs none */
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
        lb_setting_sticky(b->s, a->sticky);
    }
    if (a->lbmethod && strcmp(a->lbmethod, b->s->lbpname) != 0) {
        PROXY_STRNCPY(b->s->lbpname, a->lbmethod);
        b->lbmethod = ap_lookup_provider(PROXY_LBMETHOD, a->lbmethod, "0");
        b->s->need_reset = 1;
        lb_cluster_members_changed(b);    /* the other processes take it over */
    }
}

/* returns  NULL, else what is wrong: nothing was changed then */
static const char *change(apr_pool_t *p, const lb_action_t *a, lb_cluster_t *cluster,
                          proxy_worker *member)
{
    proxy_balancer *b = cluster->balancer;
    const char *moved = NULL;

    if (member && !lb_cluster_lists(b, member)) {
        return apr_psprintf(p, "%s was removed meanwhile", a->member);
    }
    const char *err = check_membership(p, a, cluster, member);

    if (!err && a->new_member) {
        err = lb_membership_add(p, cluster, a->new_member);
    }
    if (!err && a->new_address) {
        err = lb_membership_move(p, cluster, member, a->new_address, &moved);
    }
    if (err) {
        return err;
    }
    if (a->remove_member) {
        lb_membership_remove(cluster, member);
    }
    else if (moved) {
        lb_cluster_sync(b, cluster->server);
        member = find_member(p, b, moved);
    }
    if (member) {
        change_member(a, b, member);
    }
    change_balancer(a, b);
    return NULL;
}

/* ---- Slots ----------------------------------------------------------------------------------- */

/* returns  how many members wait for their last requests */
static int free_left(lb_cluster_t *cluster)
{
    const proxy_balancer *b = cluster->balancer;
    const lb_roster_t *roster = cluster->roster;
    int waiting = 0;

    for (int i = 0; i < roster->count; i++) {
        waiting += atomic_load(&roster->slots[i].leaves_since) != 0;
    }
    if (waiting) {
        PROXY_GLOBAL_LOCK(b);
        waiting = lb_membership_free_left(cluster);
        PROXY_GLOBAL_UNLOCK(b);
    }
    return waiting;
}

void lb_operate_tidy(lb_cluster_t *cluster, server_rec *any)
{
    if (cluster->owner == cluster) {
        free_left(cluster);
    }
    lb_cluster_sync(cluster->balancer, any);
}

/* Who was removed a moment ago may leave the slot, or the name, that is needed now.
 * url   of the member to come; NULL: none that could be said already */
static void wait_for_slot(apr_pool_t *p, lb_cluster_t *cluster, const char *url)
{
    const proxy_balancer *b = cluster->balancer;
    const apr_time_t deadline = apr_time_now() + WAIT_FOR_SLOT_US;

    while (free_left(cluster) > 0 && apr_time_now() < deadline
           && (b->storage->num_free_slots(b->wslot) == 0
               || (url && lb_membership_is_leaving(p, cluster, url)))) {
        apr_sleep(LOOK_AGAIN_US);
    }
}

/* ---- The action ------------------------------------------------------------------------------ */

const char *lb_operate_apply(apr_pool_t *p, server_rec *any, const lb_action_t *action)
{
    lb_cluster_t *cluster = find_cluster(action);
    if (!cluster) {
        return apr_psprintf(p, "there is no balancer %s%s%s", action->balancer,
                            action->vhost ? " in " : "", action->vhost ? action->vhost : "");
    }
    proxy_balancer *b = cluster->balancer;
    lb_operate_tidy(cluster, any);
    if (action->new_member || action->new_address) {
        const char *url = action->new_address && action->member
                          ? lb_membership_moved_url(p, action->member, action->new_address)
                          : action->new_member;
        wait_for_slot(p, cluster, url);
        lb_operate_tidy(cluster, any);
    }

    proxy_worker *member = action->member ? find_member(p, b, action->member) : NULL;
    if (action->member && !member) {
        return apr_psprintf(p, "%s has no member %s", b->s->name, action->member);
    }
    const char *err = member ? check_member(p, action, member) : NULL;
    err = err ? err : check_balancer(p, action, b);
    if (err) {
        return err;
    }
    PROXY_GLOBAL_LOCK(b);
    lb_cluster_sync(b, any);
    err = change(p, action, cluster, member);
    PROXY_GLOBAL_UNLOCK(b);
    if (!err) {
        lb_cluster_sync(b, any);
        lb_state_keeper_save(p, cluster);
    }
    return err;
}
