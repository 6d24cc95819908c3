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
        .balancer = apr_pstrdup(op->p, planned->balancer->proxy->s->name),
        .vhost = planned->balancer->vhost,
        .member = member ? apr_pstrdup(op->p, member) : NULL,
        .setting = setting,
        .before = before,
        .after = after,
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

static const char **texts_of_member(apr_pool_t *p, const lb_member_t *member)
{
    return texts_of(p, lb_setting_of_members, member->worker->s, member->row);
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
static void set_flags(const lb_action_t *a, const lb_member_t *member)
{
    unsigned int set = a->drain_deadline > 0 ? PROXY_WORKER_DRAIN : 0, cleared = 0;

    for (size_t i = 0; i < sizeof(a->status) / sizeof(a->status[0]) && a->status[i].flag; i++) {
        *(a->status[i].set ? &set : &cleared) |= bit_of(a->status[i].flag);
    }
    const unsigned int before = lb_status_word_change(&member->worker->s->status, set, cleared);
    lb_drain_set_deadline(member, a->drain_deadline);
    lb_member_state_note_operation(member, before, (before & ~cleared) | set);
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

static void set_member(const lb_action_t *a, const lb_member_t *member)
{
    const proxy_worker *worker = member->worker;
    proxy_worker_shared *s = worker->s;
    const int was_usable = PROXY_WORKER_IS_USABLE(worker);

    if (a->weight_hundredths != -1) {
        s->lbfactor = a->weight_hundredths;
    }
    if (a->lbset != -1) {
        s->lbset = a->lbset;
    }
    if (a->route) {
        PROXY_STRNCPY(s->route, a->route);
    }
    if (a->redirect) {
        PROXY_STRNCPY(s->redirect, a->redirect);
    }
    set_limits(a, member->row);
    lb_drain_forget_old(member);
    set_flags(a, member);
    if (!was_usable && PROXY_WORKER_IS_USABLE(worker)) {
        member->balancer->proxy->s->need_reset = 1;    /* for stock's methods; ours needs none */
    }
}

static void set_balancer(const lb_action_t *a, const lb_balancer_t *balancer)
{
    proxy_balancer *proxy = balancer->proxy;

    if (a->timeout != -1) {
        proxy->s->timeout = a->timeout;
    }
    if (a->max_attempts != -1) {
        proxy->s->max_attempts = a->max_attempts;
        proxy->s->max_attempts_set = 1;
    }
    if (a->nofailover != -1) {
        proxy->s->sticky_force = a->nofailover != 0;
    }
    if (a->sticky) {
        lb_setting_sticky(proxy->s, a->sticky);
    }
    if (a->lbmethod && strcmp(a->lbmethod, proxy->s->lbpname) != 0) {
        PROXY_STRNCPY(proxy->s->lbpname, a->lbmethod);
        proxy->lbmethod = ap_lookup_provider(PROXY_LBMETHOD, a->lbmethod, "0");
        proxy->s->need_reset = 1;
        lb_balancer_members_changed(balancer);    /* the other processes take it over */
    }
}

/* returns  false when it was refused; then nothing was changed */
static bool add_member(const lb_action_plan_t *op, lb_planned_t *planned)
{
    const lb_balancer_t *balancer = planned->balancer;
    const char *url = planned->action->new_member;
    const char *err = lb_membership_add(op->p, balancer, url);

    if (err) {
        lb_action_plan_refuse(op, planned->index, LB_NOT_NOW, "url", err);
        return false;
    }
    lb_balancer_sync(balancer->proxy, balancer->server);
    const lb_member_t added = lb_membership_find(op->p, balancer, url);
    note_change(op, planned, added.worker ? added.worker->s->name_ex : url, "member", "", "added");
    if (!planned->member.worker) {
        planned->member = added;
    }
    return true;
}

static bool move_member(const lb_action_plan_t *op, lb_planned_t *planned)
{
    const lb_balancer_t *balancer = planned->balancer;
    const proxy_worker_shared *old = planned->member.worker->s;
    const char *moved;
    const char *err = lb_membership_move(op->p, &planned->member, planned->action->new_address,
                                         &moved);

    if (err) {
        lb_action_plan_refuse(op, planned->index, LB_NOT_NOW, "address", err);
        return false;
    }
    lb_balancer_sync(balancer->proxy, balancer->server);
    planned->member = lb_action_plan_find_member(op->p, balancer, moved);
    if (planned->member.worker) {    /* as new as one that was added and enabled */
        const proxy_worker_shared *s = planned->member.worker->s;
        lb_member_state_note_operation(&planned->member, PROXY_WORKER_DISABLED, s->status);
        note_change(op, planned, moved, LB_SETTING_ADDRESS, lb_setting_address(op->p, old),
                    lb_setting_address(op->p, s));
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
    const lb_member_t *member = &planned->member;
    const char *name = member->worker->s->name_ex;

    if (!planned->action->remove_member) {
        const char **before = texts_of_member(op->p, member);
        set_member(planned->action, member);
        note_differences(op, planned, name, lb_setting_of_members, before,
                         texts_of_member(op->p, member));
    }
    else if (!lb_member_leaves(member)) {
        lb_membership_remove(member);
        note_change(op, planned, name, "member", "", "removed");
    }
}

static void change_balancer(const lb_action_plan_t *op, const lb_planned_t *planned)
{
    const lb_balancer_t *balancer = planned->balancer;
    const proxy_balancer_shared *s = balancer->proxy->s;
    const char **before = texts_of(op->p, lb_setting_of_balancers, s, NULL);

    set_balancer(planned->action, balancer);
    note_differences(op, planned, NULL, lb_setting_of_balancers, before,
                     texts_of(op->p, lb_setting_of_balancers, s, NULL));
}

static void reset_counters(const lb_action_plan_t *op, const lb_planned_t *planned)
{
    const proxy_worker *worker = planned->member.worker;

    if (worker) {
        lb_member_counters_reset_member(&planned->member);
    }
    else {
        lb_member_counters_reset_all(planned->balancer);
    }
    note_change(op, planned, worker ? worker->s->name_ex : NULL, "counters", "", "reset");
}

/* With all locks held. */
static void check(lb_action_plan_t *op)
{
    for (int i = 0; i < op->planned->nelts; i++) {
        lb_balancer_sync(APR_ARRAY_IDX(op->planned, i, lb_planned_t).balancer->proxy, op->any);
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
        if (planned->member.worker) {
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
static int free_left(lb_balancer_t *balancer)
{
    const proxy_balancer *proxy = balancer->proxy;
    const lb_roster_t *roster = balancer->roster;
    int waiting = 0;

    for (int i = 0; i < roster->count; i++) {
        waiting += atomic_load(&roster->slots[i].leaves_since) != 0;
    }
    if (waiting) {
        PROXY_GLOBAL_LOCK(proxy);
        waiting = lb_membership_free_left(balancer);
        PROXY_GLOBAL_UNLOCK(proxy);
    }
    return waiting;
}

void lb_action_run_tidy(lb_balancer_t *balancer, server_rec *any)
{
    if (balancer->owner == balancer) {
        free_left(balancer);
    }
    lb_balancer_sync(balancer->proxy, any);
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
    lb_balancer_t *balancer = planned->balancer->owner;
    const proxy_balancer *proxy = balancer->proxy;
    const apr_time_t deadline = fc_now() + WAIT_FOR_SLOT_US;

    while (free_left(balancer) > 0 && fc_now() < deadline
           && (proxy->storage->num_free_slots(proxy->wslot) == 0
               || (url && lb_membership_is_leaving(op->p, balancer, url)))) {
        apr_sleep(LOOK_AGAIN_US);
    }
    lb_action_run_tidy(balancer, op->any);
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
        lb_action_run_tidy(APR_ARRAY_IDX(op->owners, i, lb_balancer_t *), op->any);
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
        const proxy_balancer *proxy = APR_ARRAY_IDX(op->owners, i, lb_balancer_t *)->proxy;
        PROXY_GLOBAL_LOCK(proxy);
    }
    step(op);
    for (int i = op->owners->nelts - 1; i >= 0; i--) {
        const proxy_balancer *proxy = APR_ARRAY_IDX(op->owners, i, lb_balancer_t *)->proxy;
        PROXY_GLOBAL_UNLOCK(proxy);
    }
}

/* Who waits may have room now; and it is on disk before the operator hears of it. */
static void follow_up(const lb_action_plan_t *op)
{
    const lb_balancer_t *persistent = NULL;

    for (int i = 0; i < op->planned->nelts; i++) {
        lb_balancer_t *balancer = APR_ARRAY_IDX(op->planned, i, lb_planned_t).balancer;
        persistent =
            balancer->is_persistent || balancer->owner->is_persistent ? balancer : persistent;
        lb_balancer_sync(balancer->proxy, op->any);
    }
    for (int i = 0; i < op->owners->nelts; i++) {
        lb_gate_serve(APR_ARRAY_IDX(op->owners, i, lb_balancer_t *));
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
