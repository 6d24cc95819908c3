/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* operate.c - see operate.h. */
#include "operate.h"

#include "accounting.h"
#include "action_check.h"
#include "ap_provider.h"
#include "apr_strings.h"
#include "drain.h"
#include "member_state.h"
#include "membership.h"
#include "provider.h"
#include "setting.h"
#include "state_keeper.h"

#define WAIT_FOR_SLOT_US apr_time_from_sec(3)
#define LOOK_AGAIN_US    (20 * 1000)

/* One action, and what it is about. */
typedef struct {
    int index;
    const lb_action_t *action;
    lb_cluster_t *cluster;
    proxy_worker *member;              /* NULL: none is named */
} planned_t;

/* Some actions, and what they come to. */
typedef struct {
    apr_pool_t *p;
    server_rec *any;
    apr_array_header_t *planned;       /* of planned_t */
    apr_array_header_t *owners;        /* of lb_cluster_t *, whose locks are taken, by their ids */
    lb_result_t *result;
} operation_t;

static void refuse(const operation_t *op, int index, lb_refusal_t refusal, const char *setting,
                   const char *why)
{
    lb_action_check_refuse(op->result->errors, index, refusal, setting, why);
}

/* ---- What the actions are about -------------------------------------------------------------- */

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

/* In the order of their ids, so that two operations never wait for each other. */
static void add_owner(apr_array_header_t *owners, lb_cluster_t *owner)
{
    int at = 0;

    while (at < owners->nelts && APR_ARRAY_IDX(owners, at, lb_cluster_t *)->id < owner->id) {
        at++;
    }
    if (at < owners->nelts && APR_ARRAY_IDX(owners, at, lb_cluster_t *) == owner) {
        return;
    }
    APR_ARRAY_PUSH(owners, lb_cluster_t *) = NULL;
    for (int i = owners->nelts - 1; i > at; i--) {
        APR_ARRAY_IDX(owners, i, lb_cluster_t *) = APR_ARRAY_IDX(owners, i - 1, lb_cluster_t *);
    }
    APR_ARRAY_IDX(owners, at, lb_cluster_t *) = owner;
}

static void plan(operation_t *op, const apr_array_header_t *actions)
{
    for (int i = 0; i < actions->nelts; i++) {
        const lb_action_t *action = &APR_ARRAY_IDX(actions, i, lb_action_t);
        lb_cluster_t *cluster = find_cluster(action);
        if (!cluster) {
            refuse(op, i, LB_NOT_THERE, "balancer",
                   apr_psprintf(op->p, "there is no balancer %s%s%s", action->balancer,
                                action->vhost ? " in " : "", action->vhost ? action->vhost : ""));
            continue;
        }
        APR_ARRAY_PUSH(op->planned, planned_t) =
            (planned_t){ .index = i, .action = action, .cluster = cluster };
        add_owner(op->owners, cluster->owner);
    }
}

static void find_members(const operation_t *op)
{
    for (int i = 0; i < op->planned->nelts; i++) {
        planned_t *planned = &APR_ARRAY_IDX(op->planned, i, planned_t);
        const lb_action_t *action = planned->action;
        const proxy_balancer *b = planned->cluster->balancer;

        planned->member = action->member ? find_member(op->p, b, action->member) : NULL;
        if (action->member && !planned->member) {
            refuse(op, planned->index, LB_NOT_THERE, "member",
                   apr_psprintf(op->p, "%s has no member %s", b->s->name, action->member));
        }
    }
}

/* ---- Are they right? Nothing is changed before all of them are. ------------------------------ */

static bool needs_slot(const lb_action_t *action)
{
    return action->new_member || action->new_address;
}

/* Does this one, removals of the others included, leave its balancer without members? */
static bool removes_the_last(const operation_t *op, const planned_t *planned)
{
    const proxy_balancer *b = planned->cluster->balancer;
    int staying = 0, removed = 0;

    for (int i = 0; i < b->workers->nelts; i++) {
        const proxy_worker *member = lb_cluster_member(b, i);
        staying += member && !lb_roster_leaves(planned->cluster->roster, member);
    }
    for (int i = 0; i < op->planned->nelts; i++) {
        const planned_t *other = &APR_ARRAY_IDX(op->planned, i, planned_t);
        removed += other->member && other->action->remove_member
                   && other->cluster->owner == planned->cluster->owner
                   && !lb_roster_leaves(other->cluster->roster, other->member);
    }
    return planned->member && planned->action->remove_member && removed > 0 && removed >= staying;
}

static void check_together(const operation_t *op, int n)
{
    const planned_t *planned = &APR_ARRAY_IDX(op->planned, n, planned_t);

    for (int i = 0; i < n; i++) {
        const planned_t *before = &APR_ARRAY_IDX(op->planned, i, planned_t);
        if (planned->member && before->member == planned->member) {
            refuse(op, planned->index, LB_WRONG_VALUE, "member",
                   apr_psprintf(op->p, "%s is named twice", planned->action->member));
            break;
        }
        if (needs_slot(planned->action) && needs_slot(before->action)) {
            refuse(op, planned->index, LB_WRONG_VALUE, "member",
                   "only one member can be added or moved at a time");
            break;
        }
    }
    if (removes_the_last(op, planned)) {
        refuse(op, planned->index, LB_NOT_NOW, "member",
               apr_psprintf(op->p, "%s is the last member of %s; add another one first",
                            planned->action->member, planned->cluster->balancer->s->name));
    }
}

static void check(const operation_t *op)
{
    for (int i = 0; i < op->planned->nelts; i++) {
        const planned_t *planned = &APR_ARRAY_IDX(op->planned, i, planned_t);
        if (planned->action->member && !planned->member) {
            continue;    /* is refused already */
        }
        lb_action_check(op->result->errors, planned->index, planned->action, planned->cluster,
                        planned->member);
        check_together(op, i);
    }
}

/* ---- What is different ----------------------------------------------------------------------- */

static void note_change(const operation_t *op, const planned_t *planned, const char *member,
                        const char *setting, const char *before, const char *after)
{
    APR_ARRAY_PUSH(op->result->changes, lb_change_t) = (lb_change_t){
        .action = planned->index,
        .balancer = apr_pstrdup(op->p, planned->cluster->balancer->s->name),
        .vhost = planned->cluster->vhost,
        .member = member ? apr_pstrdup(op->p, member) : NULL,
        .setting = setting, .before = before, .after = after,
    };
}

/* All settings as they are now: in the order of `settings`. */
static const char **texts_of(apr_pool_t *p, const lb_setting_t *settings, const void *shared,
                             const lb_member_row_t *row)
{
    int count = 0;

    while (settings[count].name) {
        count++;
    }
    const char **texts = apr_palloc(p, (apr_size_t)count * sizeof(*texts));
    for (int i = 0; i < count; i++) {
        texts[i] = settings[i].text(p, shared, row);
    }
    return texts;
}

static const char **texts_of_member(apr_pool_t *p, const proxy_balancer *b,
                                    const proxy_worker *member)
{
    return texts_of(p, lb_setting_of_members, member->s, lb_cluster_row(b, member));
}

static void note_differences(const operation_t *op, const planned_t *planned, const char *member,
                             const lb_setting_t *settings, const char **before,
                             const char **after)
{
    for (int i = 0; settings[i].name; i++) {
        if (strcmp(before[i], after[i]) != 0) {
            note_change(op, planned, member, settings[i].name, before[i], after[i]);
        }
    }
}

/* ---- Do them --------------------------------------------------------------------------------- */

static void set_flags(const lb_action_t *a, proxy_worker *member)
{
    for (size_t i = 0; i < sizeof(a->status) / sizeof(a->status[0]) && a->status[i].flag; i++) {
        ap_proxy_set_wstatus(a->status[i].flag, a->status[i].set, member);
    }
}

static void set_limits(const lb_action_t *a, lb_member_row_t *row)
{
    if (a->limit != -1) {
        atomic_store(&row->limit, (uint32_t)a->limit);
    }
    if (a->queue_limit != -1) {
        atomic_store(&row->queue_limit, (uint32_t)a->queue_limit);
    }
    if (a->queue_timeout != -1) {
        atomic_store(&row->queue_timeout, a->queue_timeout);
    }
}

static void set_member(const lb_action_t *a, proxy_balancer *b, proxy_worker *member)
{
    const int was_usable = PROXY_WORKER_IS_USABLE(member);
    const unsigned int status_before = member->s->status;

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
    set_limits(a, lb_cluster_row(b, member));
    lb_drain_forget_old(b, member);
    set_flags(a, member);
    lb_drain_change(b, member, a->drain_deadline);
    lb_member_state_note_operation(b, member, status_before);
    if (!was_usable && PROXY_WORKER_IS_USABLE(member)) {
        b->s->need_reset = 1;    /* for stock's methods; ours needs none */
    }
}

static void set_balancer(const lb_action_t *a, proxy_balancer *b)
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

/* returns  false when it was refused; then nothing was changed */
static bool add_member(const operation_t *op, planned_t *planned)
{
    lb_cluster_t *cluster = planned->cluster;
    const char *url = planned->action->new_member;
    const char *err = lb_membership_add(op->p, cluster, url);

    if (err) {
        refuse(op, planned->index, LB_NOT_NOW, "url", err);
        return false;
    }
    lb_cluster_sync(cluster->balancer, cluster->server);
    proxy_worker *added = lb_membership_find_new(op->p, cluster, url);
    note_change(op, planned, added ? added->s->name_ex : url, "member", "", "added");
    if (!planned->member) {
        planned->member = added;
    }
    return true;
}

static bool move_member(const operation_t *op, planned_t *planned)
{
    lb_cluster_t *cluster = planned->cluster;
    const proxy_worker *old = planned->member;
    const char *moved;
    const char *err = lb_membership_move(op->p, cluster, planned->member,
                                         planned->action->new_address, &moved);

    if (err) {
        refuse(op, planned->index, LB_NOT_NOW, "address", err);
        return false;
    }
    lb_cluster_sync(cluster->balancer, cluster->server);
    planned->member = find_member(op->p, cluster->balancer, moved);
    if (planned->member) {    /* as new as one that was added and enabled */
        lb_member_state_note_operation(cluster->balancer, planned->member, PROXY_WORKER_DISABLED);
        note_change(op, planned, moved, LB_SETTING_ADDRESS, lb_setting_address(op->p, old->s),
                    lb_setting_address(op->p, planned->member->s));
    }
    return true;
}

/* The only thing that may fail, for lack of memory: it comes before all others. */
static bool give_slots(const operation_t *op)
{
    for (int i = 0; i < op->planned->nelts; i++) {
        planned_t *planned = &APR_ARRAY_IDX(op->planned, i, planned_t);
        if ((planned->action->new_member && !add_member(op, planned))
            || (planned->action->new_address && !move_member(op, planned))) {
            return false;
        }
    }
    return true;
}

static void change_member(const operation_t *op, const planned_t *planned)
{
    proxy_balancer *b = planned->cluster->balancer;
    proxy_worker *member = planned->member;

    if (!planned->action->remove_member) {
        const char **before = texts_of_member(op->p, b, member);
        set_member(planned->action, b, member);
        note_differences(op, planned, member->s->name_ex, lb_setting_of_members, before,
                         texts_of_member(op->p, b, member));
    }
    else if (!lb_roster_leaves(planned->cluster->roster, member)) {
        lb_membership_remove(planned->cluster, member);
        note_change(op, planned, member->s->name_ex, "member", "", "removed");
    }
}

static void change_balancer(const operation_t *op, const planned_t *planned)
{
    proxy_balancer *b = planned->cluster->balancer;
    const char **before = texts_of(op->p, lb_setting_of_balancers, b->s, NULL);

    set_balancer(planned->action, b);
    note_differences(op, planned, NULL, lb_setting_of_balancers, before,
                     texts_of(op->p, lb_setting_of_balancers, b->s, NULL));
}

static void reset_counters(const operation_t *op, const planned_t *planned)
{
    const proxy_worker *member = planned->member;

    lb_accounting_reset(planned->cluster, member);
    note_change(op, planned, member ? member->s->name_ex : NULL, "counters", "", "reset");
}

/* With all locks held. */
static void carry_out(const operation_t *op)
{
    for (int i = 0; i < op->planned->nelts; i++) {
        lb_cluster_sync(APR_ARRAY_IDX(op->planned, i, planned_t).cluster->balancer, op->any);
    }
    find_members(op);
    check(op);
    if (op->result->errors->nelts > 0 || !give_slots(op)) {
        return;
    }
    for (int i = 0; i < op->planned->nelts; i++) {
        const planned_t *planned = &APR_ARRAY_IDX(op->planned, i, planned_t);
        if (planned->member) {
            change_member(op, planned);
        }
        change_balancer(op, planned);
        if (planned->action->reset_counters) {
            reset_counters(op, planned);
        }
    }
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

/* Who was removed a moment ago may leave the slot, or the name, that is needed now. */
static void wait_for_slot(const operation_t *op, const planned_t *planned)
{
    const lb_action_t *action = planned->action;
    lb_cluster_t *cluster = planned->cluster->owner;
    const proxy_balancer *b = cluster->balancer;
    const apr_time_t deadline = apr_time_now() + WAIT_FOR_SLOT_US;
    /* NULL: it cannot be said already */
    const char *url = action->new_address && action->member
                      ? lb_membership_moved_url(op->p, action->member, action->new_address)
                      : action->new_member;

    while (free_left(cluster) > 0 && apr_time_now() < deadline
           && (b->storage->num_free_slots(b->wslot) == 0
               || (url && lb_membership_is_leaving(op->p, cluster, url)))) {
        apr_sleep(LOOK_AGAIN_US);
    }
    lb_operate_tidy(cluster, op->any);
}

/* ---- The actions ----------------------------------------------------------------------------- */

static void prepare(const operation_t *op)
{
    for (int i = 0; i < op->owners->nelts; i++) {
        lb_operate_tidy(APR_ARRAY_IDX(op->owners, i, lb_cluster_t *), op->any);
    }
    for (int i = 0; i < op->planned->nelts; i++) {
        const planned_t *planned = &APR_ARRAY_IDX(op->planned, i, planned_t);
        if (needs_slot(planned->action)) {
            wait_for_slot(op, planned);
            return;    /* a second one is refused */
        }
    }
}

static void under_lock(const operation_t *op)
{
    for (int i = 0; i < op->owners->nelts; i++) {
        const proxy_balancer *b = APR_ARRAY_IDX(op->owners, i, lb_cluster_t *)->balancer;
        PROXY_GLOBAL_LOCK(b);
    }
    carry_out(op);
    for (int i = op->owners->nelts - 1; i >= 0; i--) {
        const proxy_balancer *b = APR_ARRAY_IDX(op->owners, i, lb_cluster_t *)->balancer;
        PROXY_GLOBAL_UNLOCK(b);
    }
}

/* Who waits may have room now; and it is on disk before the operator hears of it. */
static void follow_up(const operation_t *op)
{
    const lb_cluster_t *persistent = NULL;

    for (int i = 0; i < op->planned->nelts; i++) {
        lb_cluster_t *cluster = APR_ARRAY_IDX(op->planned, i, planned_t).cluster;
        persistent = cluster->is_persistent || cluster->owner->is_persistent ? cluster : persistent;
        lb_cluster_sync(cluster->balancer, op->any);
    }
    for (int i = 0; i < op->owners->nelts; i++) {
        lb_provider_serve(APR_ARRAY_IDX(op->owners, i, lb_cluster_t *)->balancer);
    }
    if (persistent) {
        lb_state_keeper_save(op->p, persistent);
    }
}

lb_result_t *lb_operate_apply(apr_pool_t *p, server_rec *any, const apr_array_header_t *actions)
{
    lb_result_t *result = apr_pcalloc(p, sizeof(*result));
    operation_t op = {
        .p = p, .any = any, .result = result,
        .planned = apr_array_make(p, actions->nelts, sizeof(planned_t)),
        .owners = apr_array_make(p, 1, sizeof(lb_cluster_t *)),
    };

    result->errors = apr_array_make(p, 1, sizeof(lb_action_error_t));
    result->changes = apr_array_make(p, actions->nelts, sizeof(lb_change_t));
    plan(&op, actions);
    prepare(&op);
    under_lock(&op);
    if (result->errors->nelts == 0) {
        follow_up(&op);
    }
    return result;
}
