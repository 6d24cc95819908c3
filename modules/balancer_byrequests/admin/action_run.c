/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* action_run.c - see action_run.h. */
#include "action_run.h"

#include "ap_provider.h"
#include "apr_strings.h"
#include "clock.h"
#include "drain.h"
#include "gate.h"
#include "member_counters.h"
#include "member_state.h"
#include "member_template.h"
#include "membership.h"
#include "action_plan.h"
#include "setting.h"
#include "state_keeper.h"
#include "status_word.h"

#define WAIT_FOR_SLOT_US apr_time_from_sec(3)
#define LOOK_AGAIN_US    (20 * 1000)

/* ---- What is different ----------------------------------------------------------------------- */

static void note_change(const lb_action_plan_t *op, const lb_planned_t *planned, const char *member,
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

static void note_differences(const lb_action_plan_t *op, const lb_planned_t *planned,
                             const char *member, const lb_setting_t *settings,
                             const char **before, const char **after)
{
    for (int i = 0; settings[i].name; i++) {
        if (strcmp(before[i], after[i]) != 0) {
            note_change(op, planned, member, settings[i].name, before[i], after[i]);
        }
    }
}

/* ---- Do them --------------------------------------------------------------------------------- */

static unsigned int bit_of(char flag)
{
    static const struct {
        char flag;
        unsigned int bit;
    } bits[] = {
        { PROXY_WORKER_IGNORE_ERRORS_FLAG, PROXY_WORKER_IGNORE_ERRORS },
        { PROXY_WORKER_DRAIN_FLAG, PROXY_WORKER_DRAIN },
        { PROXY_WORKER_DISABLED_FLAG, PROXY_WORKER_DISABLED },
        { PROXY_WORKER_HOT_STANDBY_FLAG, PROXY_WORKER_HOT_STANDBY },
        { PROXY_WORKER_HOT_SPARE_FLAG, PROXY_WORKER_HOT_SPARE },
        { PROXY_WORKER_STOPPED_FLAG, PROXY_WORKER_STOPPED },
        { PROXY_WORKER_HC_FAIL_FLAG, PROXY_WORKER_HC_FAIL },
    };
    for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
        if (bits[i].flag == flag) {
            return bits[i].bit;
        }
    }
    return 0;
}

/* All in one step; mod_proxy's own function would write back, beside each bit, the others as it has
 * read them. */
static void set_flags(const lb_action_t *a, const proxy_balancer *b, const proxy_worker *member)
{
    unsigned int set = a->drain_deadline > 0 ? PROXY_WORKER_DRAIN : 0, cleared = 0;

    for (size_t i = 0; i < sizeof(a->status) / sizeof(a->status[0]) && a->status[i].flag; i++) {
        *(a->status[i].set ? &set : &cleared) |= bit_of(a->status[i].flag);
    }
    const unsigned int before = lb_status_word_change(&member->s->status, set, cleared);
    lb_drain_set_deadline(b, member, a->drain_deadline);
    lb_member_state_note_operation(b, member, before, (before & ~cleared) | set);
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
    set_flags(a, b, member);
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
static bool add_member(const lb_action_plan_t *op, lb_planned_t *planned)
{
    lb_cluster_t *cluster = planned->cluster;
    const char *url = planned->action->new_member;
    const char *err = lb_membership_add(op->p, cluster, url);

    if (err) {
        lb_action_plan_refuse(op, planned->index, LB_NOT_NOW, "url", err);
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

static bool move_member(const lb_action_plan_t *op, lb_planned_t *planned)
{
    lb_cluster_t *cluster = planned->cluster;
    const proxy_worker *old = planned->member;
    const char *moved;
    const char *err = lb_membership_move(op->p, cluster, planned->member,
                                         planned->action->new_address, &moved);

    if (err) {
        lb_action_plan_refuse(op, planned->index, LB_NOT_NOW, "address", err);
        return false;
    }
    lb_cluster_sync(cluster->balancer, cluster->server);
    planned->member = lb_action_plan_find_member(op->p, cluster->balancer, moved);
    if (planned->member) {    /* as new as one that was added and enabled */
        lb_member_state_note_operation(cluster->balancer, planned->member, PROXY_WORKER_DISABLED,
                                       planned->member->s->status);
        note_change(op, planned, moved, LB_SETTING_ADDRESS, lb_setting_address(op->p, old->s),
                    lb_setting_address(op->p, planned->member->s));
    }
    return true;
}

/* The only thing that may fail, for lack of memory: it comes before all others. */
static bool give_slots(const lb_action_plan_t *op)
{
    for (int i = 0; i < op->planned->nelts; i++) {
        lb_planned_t *planned = &APR_ARRAY_IDX(op->planned, i, lb_planned_t);
        if ((planned->action->new_member && !add_member(op, planned))
            || (planned->action->new_address && !move_member(op, planned))) {
            return false;
        }
    }
    return true;
}

static void change_member(const lb_action_plan_t *op, const lb_planned_t *planned)
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

static void change_balancer(const lb_action_plan_t *op, const lb_planned_t *planned)
{
    proxy_balancer *b = planned->cluster->balancer;
    const char **before = texts_of(op->p, lb_setting_of_balancers, b->s, NULL);

    set_balancer(planned->action, b);
    note_differences(op, planned, NULL, lb_setting_of_balancers, before,
                     texts_of(op->p, lb_setting_of_balancers, b->s, NULL));
}

static void reset_counters(const lb_action_plan_t *op, const lb_planned_t *planned)
{
    const proxy_worker *member = planned->member;

    lb_member_counters_reset(planned->cluster, member);
    note_change(op, planned, member ? member->s->name_ex : NULL, "counters", "", "reset");
}

/* With all locks held. */
static void check(lb_action_plan_t *op)
{
    for (int i = 0; i < op->planned->nelts; i++) {
        lb_cluster_sync(APR_ARRAY_IDX(op->planned, i, lb_planned_t).cluster->balancer, op->any);
    }
    lb_action_plan_check(op);
}

static void carry_out(lb_action_plan_t *op)
{
    check(op);
    if (op->result->errors->nelts > 0 || !give_slots(op)) {
        return;
    }
    for (int i = 0; i < op->planned->nelts; i++) {
        const lb_planned_t *planned = &APR_ARRAY_IDX(op->planned, i, lb_planned_t);
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

void lb_action_run_tidy(lb_cluster_t *cluster, server_rec *any)
{
    if (cluster->owner == cluster) {
        free_left(cluster);
    }
    lb_cluster_sync(cluster->balancer, any);
}

/* Of a member that is to come, or to be somewhere else; NULL: it cannot be said already. */
static const char *url_to_come(apr_pool_t *p, const lb_action_t *action)
{
    return action->new_address && action->member
           ? lb_member_template_moved_url(p, action->member, action->new_address)
           : action->new_member;
}

/* Who was removed a moment ago may leave the slot, or the name, that is needed now. */
static void wait_for_slot(const lb_action_plan_t *op, const lb_planned_t *planned, const char *url)
{
    lb_cluster_t *cluster = planned->cluster->owner;
    const proxy_balancer *b = cluster->balancer;
    const apr_time_t deadline = fcgi_now() + WAIT_FOR_SLOT_US;

    while (free_left(cluster) > 0 && fcgi_now() < deadline
           && (b->storage->num_free_slots(b->wslot) == 0
               || (url && lb_membership_is_leaving(op->p, cluster, url)))) {
        apr_sleep(LOOK_AGAIN_US);
    }
    lb_action_run_tidy(cluster, op->any);
}

/* ---- The actions ----------------------------------------------------------------------------- */

/* What takes time, before anybody is locked out. */
static void prepare_newcomer(const lb_action_plan_t *op, const lb_planned_t *planned)
{
    const char *url = url_to_come(op->p, planned->action);
    const char *why = url ? lb_membership_check_host(op->p, url) : NULL;

    if (why) {
        lb_action_plan_refuse(op, planned->index, LB_NOT_NOW,
                            planned->action->new_member ? "url" : "address", why);
        return;
    }
    wait_for_slot(op, planned, url);
}

static void prepare(const lb_action_plan_t *op)
{
    for (int i = 0; i < op->owners->nelts; i++) {
        lb_action_run_tidy(APR_ARRAY_IDX(op->owners, i, lb_cluster_t *), op->any);
    }
    for (int i = 0; i < op->planned->nelts; i++) {
        const lb_planned_t *planned = &APR_ARRAY_IDX(op->planned, i, lb_planned_t);
        if (lb_action_plan_needs_slot(planned->action)) {
            prepare_newcomer(op, planned);
            return;    /* a second one is refused */
        }
    }
}

static void under_lock(lb_action_plan_t *op, void (*step)(lb_action_plan_t *))
{
    for (int i = 0; i < op->owners->nelts; i++) {
        const proxy_balancer *b = APR_ARRAY_IDX(op->owners, i, lb_cluster_t *)->balancer;
        PROXY_GLOBAL_LOCK(b);
    }
    step(op);
    for (int i = op->owners->nelts - 1; i >= 0; i--) {
        const proxy_balancer *b = APR_ARRAY_IDX(op->owners, i, lb_cluster_t *)->balancer;
        PROXY_GLOBAL_UNLOCK(b);
    }
}

/* Who waits may have room now; and it is on disk before the operator hears of it. */
static void follow_up(const lb_action_plan_t *op)
{
    const lb_cluster_t *persistent = NULL;

    for (int i = 0; i < op->planned->nelts; i++) {
        lb_cluster_t *cluster = APR_ARRAY_IDX(op->planned, i, lb_planned_t).cluster;
        persistent = cluster->is_persistent || cluster->owner->is_persistent ? cluster : persistent;
        lb_cluster_sync(cluster->balancer, op->any);
    }
    for (int i = 0; i < op->owners->nelts; i++) {
        lb_gate_serve(APR_ARRAY_IDX(op->owners, i, lb_cluster_t *)->balancer);
    }
    if (persistent) {
        lb_state_keeper_save(op->p, persistent);
    }
}

lb_result_t *lb_action_run_apply(apr_pool_t *p, server_rec *any, const apr_array_header_t *actions)
{
    lb_action_plan_t *op = lb_action_plan_plan(p, any, actions);

    prepare(op);
    under_lock(op, carry_out);
    if (op->result->errors->nelts == 0) {
        follow_up(op);
    }
    return op->result;
}

apr_array_header_t *lb_action_run_check(apr_pool_t *p, server_rec *any,
                                     const apr_array_header_t *actions)
{
    lb_action_plan_t *op = lb_action_plan_plan(p, any, actions);

    under_lock(op, check);
    return op->result->errors;
}
