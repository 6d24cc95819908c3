/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* change_apply.c - see change_apply.h. */
#include "change_apply.h"

#include "ap_provider.h"
#include "apr_strings.h"
#include "change_plan.h"
#include "clock.h"
#include "drain.h"
#include "gate.h"
#include "member_counters.h"
#include "member_state.h"
#include "member_template.h"
#include "membership.h"
#include "panic.h"
#include "setting.h"
#include "setting_value.h"
#include "state_keeper.h"

#define WAIT_FOR_SLOT_US apr_time_from_sec(3)
#define LOOK_AGAIN_US    (20 * 1000)

/* ---- What is different ----------------------------------------------------------------------- */

/* setting   as in lb_changed_t */
static void note(const lb_change_plan_t *plan, const lb_planned_t *planned, lb_changed_kind_t kind,
                 const char *member, const char *setting, const char *before, const char *after)
{
    APR_ARRAY_PUSH(plan->result->changed, lb_changed_t) = (lb_changed_t){
        .kind = kind,
        .balancer = apr_pstrdup(plan->p, planned->balancer->proxy->s->name),
        .vhost = planned->balancer->vhost,
        .member = member ? apr_pstrdup(plan->p, member) : NULL,
        .setting = setting,
        .before = before,
        .after = after,
        .stays_here = planned->change->stays_here,
    };
}

static void note_differences(const lb_change_plan_t *plan, const lb_planned_t *planned,
                             const char *member, const lb_values_t *before,
                             const lb_values_t *after)
{
    for (int i = 0; i < LB_SETTING_COUNT; i++) {
        const lb_setting_t *setting = &lb_settings[i];
        if (lb_values_have(after, setting->id)
            && !fc_setting_value_is(setting, before->of[i], after->of[i])) {
            note(plan, planned, LB_CHANGED_SETTING, member, setting->name,
                 fc_setting_value_text(plan->p, setting, before->of[i]),
                 fc_setting_value_text(plan->p, setting, after->of[i]));
        }
    }
}

/* ---- Make them ------------------------------------------------------------------------------- */

static lb_values_t values_of_member(apr_pool_t *p, const lb_member_t *member)
{
    return lb_setting_of_member(p, member->worker->s, member->row);
}

/* A time to drain goes with draining. */
static lb_values_t values_for_member(const lb_values_t *given)
{
    lb_values_t values = *given;

    if (given->of[LB_SETTING_DRAIN_DEADLINE].number > 0) {
        lb_values_put_number(&values, LB_SETTING_DRAINING, 1);
    }
    return values;
}

static void set_member(const lb_values_t *given, const lb_member_t *member)
{
    const proxy_worker *worker = member->worker;
    const bool was_usable = PROXY_WORKER_IS_USABLE(worker);
    const lb_values_t values = values_for_member(given);

    lb_drain_forget_old(member);
    const lb_status_change_t status = lb_setting_change_member(member, &values);
    if (lb_values_have(given, LB_SETTING_DRAIN_DEADLINE)) {
        lb_drain_set_deadline(member, given->of[LB_SETTING_DRAIN_DEADLINE].number);
    }
    lb_drain_forget_old(member);    /* the drain may be over */
    lb_member_state_note_change(member, status.before, status.after);
    lb_member_state_note(member, LB_CAUSE_OPERATOR, "");
    if (!was_usable && PROXY_WORKER_IS_USABLE(worker)) {
        member->balancer->proxy->s->need_reset = 1;    /* for stock's methods; ours needs none */
    }
}

static void change_member_settings(const lb_change_plan_t *plan, const lb_planned_t *planned)
{
    const lb_member_t *member = &planned->member;
    const lb_values_t before = values_of_member(plan->p, member);

    set_member(&planned->change->values, member);
    const lb_values_t after = values_of_member(plan->p, member);
    note_differences(plan, planned, member->worker->s->name_ex, &before, &after);
}

static void change_lbmethod(const lb_balancer_t *balancer)
{
    proxy_balancer *proxy = balancer->proxy;

    proxy->lbmethod = ap_lookup_provider(PROXY_LBMETHOD, proxy->s->lbpname, "0");
    proxy->s->need_reset = 1;
    lb_balancer_members_changed(balancer);    /* the other processes take it over */
}

static void change_balancer(const lb_change_plan_t *plan, const lb_planned_t *planned)
{
    const lb_balancer_t *balancer = planned->balancer;
    proxy_balancer_shared *s = balancer->proxy->s;
    const lb_values_t before = lb_setting_of_balancer(plan->p, s);

    lb_setting_change_balancer(s, &planned->change->values);
    const lb_values_t after = lb_setting_of_balancer(plan->p, s);
    if (!fc_setting_value_is(&lb_settings[LB_SETTING_LBMETHOD], before.of[LB_SETTING_LBMETHOD],
                             after.of[LB_SETTING_LBMETHOD])) {
        change_lbmethod(balancer);
    }
    note_differences(plan, planned, NULL, &before, &after);
}

/* returns  false when it was refused; then nothing was changed */
static bool add_member(const lb_change_plan_t *plan, lb_planned_t *planned)
{
    const lb_balancer_t *balancer = planned->balancer;
    const char *url = planned->change->new_member;
    const char *err = lb_membership_add(plan->p, balancer, url);

    if (err) {
        lb_change_plan_refuse(plan, planned->index, LB_NOT_NOW, "url", err);
        return false;
    }
    lb_balancer_sync(balancer->proxy, balancer->server);
    const lb_member_t added = lb_membership_find(plan->p, balancer, url);
    note(plan, planned, LB_MEMBER_ADDED, added.worker ? added.worker->s->name_ex : url, "member",
         "", "added");
    if (added.worker) {
        lb_member_state_note(&added, LB_CAUSE_OPERATOR, "");
    }
    if (!planned->member.worker) {
        planned->member = added;
    }
    return true;
}

static bool move_member(const lb_change_plan_t *plan, lb_planned_t *planned)
{
    const lb_balancer_t *balancer = planned->balancer;
    const proxy_worker_shared *old = planned->member.worker->s;
    const char *moved;
    const char *err = lb_membership_move(plan->p, &planned->member, planned->change->new_address,
                                         &moved);

    if (err) {
        lb_change_plan_refuse(plan, planned->index, LB_NOT_NOW, "address", err);
        return false;
    }
    lb_panic_let_go(&planned->member, plan->any);
    lb_balancer_sync(balancer->proxy, balancer->server);
    planned->member = lb_change_plan_find_member(plan->p, balancer, moved);
    if (planned->member.worker) {    /* as new as one that was added and enabled */
        const proxy_worker_shared *s = planned->member.worker->s;
        lb_member_state_note_change(&planned->member, PROXY_WORKER_DISABLED, s->status);
        lb_member_state_note(&planned->member, LB_CAUSE_OPERATOR, "");
        note(plan, planned, LB_MEMBER_MOVED, moved, LB_SETTING_ADDRESS,
             lb_setting_address(plan->p, old), lb_setting_address(plan->p, s));
    }
    return true;
}

/* The only thing that may fail, for lack of memory: it comes before all others. */
static bool give_slots(const lb_change_plan_t *plan)
{
    for (int i = 0; i < plan->planned->nelts; i++) {
        lb_planned_t *planned = &APR_ARRAY_IDX(plan->planned, i, lb_planned_t);
        if ((planned->change->new_member && !add_member(plan, planned))
            || (planned->change->new_address && !move_member(plan, planned))) {
            return false;
        }
    }
    return true;
}

static void change_member(const lb_change_plan_t *plan, const lb_planned_t *planned)
{
    const lb_member_t *member = &planned->member;

    if (!planned->change->removes_member) {
        change_member_settings(plan, planned);
    }
    else if (!lb_member_leaves(member)) {
        lb_membership_remove(member);
        lb_member_state_note(member, LB_CAUSE_OPERATOR, "");
        lb_panic_let_go(member, plan->any);
        note(plan, planned, LB_MEMBER_REMOVED, member->worker->s->name_ex, "member", "", "removed");
    }
}

static void reset_counters(const lb_change_plan_t *plan, const lb_planned_t *planned)
{
    const proxy_worker *worker = planned->member.worker;

    if (worker) {
        lb_member_counters_reset_member(&planned->member);
    }
    else {
        lb_member_counters_reset_all(planned->balancer);
    }
    note(plan, planned, LB_COUNTERS_RESET, worker ? worker->s->name_ex : NULL, "counters", "",
         "reset");
}

/* With all locks held. */
static void check(lb_change_plan_t *plan)
{
    for (int i = 0; i < plan->planned->nelts; i++) {
        lb_balancer_sync(APR_ARRAY_IDX(plan->planned, i, lb_planned_t).balancer->proxy, plan->any);
    }
    lb_change_plan_check(plan);
}

static void make_changes(lb_change_plan_t *plan)
{
    check(plan);
    if (plan->result->errors->nelts > 0 || !give_slots(plan)) {
        return;
    }
    for (int i = 0; i < plan->planned->nelts; i++) {
        const lb_planned_t *planned = &APR_ARRAY_IDX(plan->planned, i, lb_planned_t);
        if (planned->member.worker) {
            change_member(plan, planned);
        }
        change_balancer(plan, planned);
        if (planned->change->resets_counters) {
            reset_counters(plan, planned);
        }
    }
}

/* ---- Slots ----------------------------------------------------------------------------------- */

void lb_change_apply_tidy(lb_balancer_t *balancer, server_rec *any)
{
    if (balancer->owner == balancer) {
        lb_membership_free_left(balancer);
    }
    lb_balancer_sync(balancer->proxy, any);
}

/* Of a member that is to come, or to be somewhere else; NULL: it cannot be said already. */
static const char *url_to_come(apr_pool_t *p, const lb_change_t *change)
{
    return change->new_address && change->member
               ? lb_member_template_moved_url(p, change->member, change->new_address)
               : change->new_member;
}

/* Who was removed a moment ago may leave the slot, or the name, that is needed now. */
static void wait_for_slot(const lb_change_plan_t *plan, const lb_planned_t *planned,
                          const char *url)
{
    lb_balancer_t *balancer = planned->balancer->owner;
    const apr_time_t deadline = fc_now() + WAIT_FOR_SLOT_US;

    while (lb_membership_free_left(balancer) > 0 && fc_now() < deadline
           && (lb_membership_free_slots(balancer, NULL) <= 0
               || (url && lb_membership_is_leaving(plan->p, balancer, url)))) {
        apr_sleep(LOOK_AGAIN_US);
    }
    lb_change_apply_tidy(balancer, plan->any);
}

/* ---- The changes ----------------------------------------------------------------------------- */

/* What takes time, before anybody is locked out. */
static void prepare_newcomer(const lb_change_plan_t *plan, const lb_planned_t *planned)
{
    const char *url = url_to_come(plan->p, planned->change);
    const char *why = url ? lb_membership_check_host(plan->p, url) : NULL;

    if (why) {
        lb_change_plan_refuse(plan, planned->index, LB_NOT_NOW,
                              planned->change->new_member ? "url" : "address", why);
        return;
    }
    wait_for_slot(plan, planned, url);
}

static void prepare(const lb_change_plan_t *plan)
{
    for (int i = 0; i < plan->owners->nelts; i++) {
        lb_change_apply_tidy(APR_ARRAY_IDX(plan->owners, i, lb_balancer_t *), plan->any);
    }
    for (int i = 0; i < plan->planned->nelts; i++) {
        const lb_planned_t *planned = &APR_ARRAY_IDX(plan->planned, i, lb_planned_t);
        if (lb_change_plan_needs_slot(planned->change)) {
            prepare_newcomer(plan, planned);
            return;    /* a second one is refused */
        }
    }
}

static void under_lock(lb_change_plan_t *plan, void (*step)(lb_change_plan_t *))
{
    for (int i = 0; i < plan->owners->nelts; i++) {
        const proxy_balancer *proxy = APR_ARRAY_IDX(plan->owners, i, lb_balancer_t *)->proxy;
        PROXY_GLOBAL_LOCK(proxy);
    }
    step(plan);
    for (int i = plan->owners->nelts - 1; i >= 0; i--) {
        const proxy_balancer *proxy = APR_ARRAY_IDX(plan->owners, i, lb_balancer_t *)->proxy;
        PROXY_GLOBAL_UNLOCK(proxy);
    }
}

/* Who waits may have room now; and it is on disk before the operator hears of it. */
static void follow_up(const lb_change_plan_t *plan)
{
    const lb_balancer_t *persistent = NULL;

    for (int i = 0; i < plan->planned->nelts; i++) {
        lb_balancer_t *balancer = APR_ARRAY_IDX(plan->planned, i, lb_planned_t).balancer;
        persistent =
            balancer->is_persistent || balancer->owner->is_persistent ? balancer : persistent;
        lb_balancer_sync(balancer->proxy, plan->any);
    }
    for (int i = 0; i < plan->owners->nelts; i++) {
        lb_gate_serve(APR_ARRAY_IDX(plan->owners, i, lb_balancer_t *));
    }
    if (persistent) {
        lb_state_keeper_save(plan->p, persistent);
    }
}

lb_change_result_t *lb_change_apply_all(apr_pool_t *p, server_rec *any,
                                        const apr_array_header_t *changes)
{
    lb_change_plan_t *plan = lb_change_plan_make(p, any, changes);

    prepare(plan);
    under_lock(plan, make_changes);
    if (plan->result->errors->nelts == 0) {
        follow_up(plan);
    }
    return plan->result;
}

apr_array_header_t *lb_change_apply_check(apr_pool_t *p, server_rec *any,
                                          const apr_array_header_t *changes)
{
    lb_change_plan_t *plan = lb_change_plan_make(p, any, changes);

    under_lock(plan, check);
    return plan->result->errors;
}
