/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* change_plan.c - see change_plan.h. */
#include "change_plan.h"

#include "change_check.h"
#include "apr_strings.h"

void lb_change_plan_refuse(const lb_change_plan_t *plan, int index, lb_refusal_t refusal,
                           const char *setting, const char *why)
{
    lb_change_check_refuse(plan->result->errors, index, refusal, setting, why);
}

/* ---- What the changes are about -------------------------------------------------------------- */

lb_balancer_t *lb_change_plan_find_balancer(const char *key, const char *vhost)
{
    const apr_array_header_t *all = lb_balancer_all();

    for (int i = 0; i < all->nelts; i++) {
        lb_balancer_t *balancer = APR_ARRAY_IDX(all, i, lb_balancer_t *);
        const char *own_key = balancer->proxy->s->name + sizeof(BALANCER_PREFIX) - 1;
        if (strcasecmp(own_key, key) == 0 && (!vhost || strcmp(balancer->vhost, vhost) == 0)) {
            return balancer;
        }
    }
    return NULL;
}

lb_member_t lb_change_plan_find_member(apr_pool_t *p, const lb_balancer_t *balancer,
                                       const char *name)
{
    lb_member_t member;

    for (int i = 0; lb_member_next(balancer, &i, &member);) {
        if (strcmp(member.worker->s->name_ex, name) == 0
            || strcmp(ap_proxy_worker_name(p, member.worker), name) == 0) {
            return member;
        }
    }
    return (lb_member_t){ 0 };
}

/* In the order of their ids, so that two requests never wait for each other. */
static void add_owner(apr_array_header_t *owners, lb_balancer_t *owner)
{
    int at = 0;

    while (at < owners->nelts && APR_ARRAY_IDX(owners, at, lb_balancer_t *)->id < owner->id) {
        at++;
    }
    if (at < owners->nelts && APR_ARRAY_IDX(owners, at, lb_balancer_t *) == owner) {
        return;
    }
    APR_ARRAY_PUSH(owners, lb_balancer_t *) = NULL;
    for (int i = owners->nelts - 1; i > at; i--) {
        APR_ARRAY_IDX(owners, i, lb_balancer_t *) = APR_ARRAY_IDX(owners, i - 1, lb_balancer_t *);
    }
    APR_ARRAY_IDX(owners, at, lb_balancer_t *) = owner;
}

lb_change_plan_t *lb_change_plan_make(apr_pool_t *p, server_rec *any,
                                      const apr_array_header_t *changes)
{
    lb_change_plan_t *plan = apr_pcalloc(p, sizeof(*plan));

    plan->p = p;
    plan->any = any;
    plan->planned = apr_array_make(p, changes->nelts, sizeof(lb_planned_t));
    plan->owners = apr_array_make(p, 1, sizeof(lb_balancer_t *));
    plan->result = apr_pcalloc(p, sizeof(*plan->result));
    plan->result->errors = apr_array_make(p, 1, sizeof(lb_change_error_t));
    plan->result->changed = apr_array_make(p, changes->nelts, sizeof(lb_changed_t));
    for (int i = 0; i < changes->nelts; i++) {
        const lb_change_t *change = &APR_ARRAY_IDX(changes, i, lb_change_t);
        lb_balancer_t *balancer = lb_change_plan_find_balancer(change->balancer, change->vhost);
        if (!balancer) {
            lb_change_plan_refuse(plan, i, LB_NOT_THERE, "balancer",
                                  apr_psprintf(p, "there is no balancer %s%s%s", change->balancer,
                                               change->vhost ? " in " : "",
                                               change->vhost ? change->vhost : ""));
            continue;
        }
        APR_ARRAY_PUSH(plan->planned, lb_planned_t) =
            (lb_planned_t){ .index = i, .change = change, .balancer = balancer };
        add_owner(plan->owners, balancer->owner);
    }
    return plan;
}

static void find_members(const lb_change_plan_t *plan)
{
    for (int i = 0; i < plan->planned->nelts; i++) {
        lb_planned_t *planned = &APR_ARRAY_IDX(plan->planned, i, lb_planned_t);
        const lb_change_t *change = planned->change;
        const lb_balancer_t *balancer = planned->balancer;

        if (!change->member) {
            continue;
        }
        planned->member = lb_change_plan_find_member(plan->p, balancer, change->member);
        if (!planned->member.worker) {
            lb_change_plan_refuse(plan, planned->index, LB_NOT_THERE, "member",
                                  apr_psprintf(plan->p, "%s has no member %s",
                                               balancer->proxy->s->name, change->member));
        }
    }
}

/* ---- Are they right? Nothing is changed before all of them are. ------------------------------ */

/* Does this one, removals of the others included, leave its balancer without members? */
static bool removes_the_last(const lb_change_plan_t *plan, const lb_planned_t *planned)
{
    lb_member_t member;
    int staying = 0, removed = 0;

    if (!planned->member.worker || !planned->change->removes_member) {
        return false;
    }
    for (int i = 0; lb_member_next(planned->balancer, &i, &member);) {
        staying += !lb_member_leaves(&member);
    }
    for (int i = 0; i < plan->planned->nelts; i++) {
        const lb_planned_t *other = &APR_ARRAY_IDX(plan->planned, i, lb_planned_t);
        removed += other->member.worker && other->change->removes_member
                   && other->balancer->owner == planned->balancer->owner
                   && !lb_member_leaves(&other->member);
    }
    return removed > 0 && removed >= staying;
}

static void check_together(const lb_change_plan_t *plan, int n)
{
    const lb_planned_t *planned = &APR_ARRAY_IDX(plan->planned, n, lb_planned_t);

    for (int i = 0; i < n; i++) {
        const lb_planned_t *before = &APR_ARRAY_IDX(plan->planned, i, lb_planned_t);
        if (planned->member.worker && lb_member_is(&before->member, &planned->member)) {
            lb_change_plan_refuse(
                plan, planned->index, LB_WRONG_VALUE, "member",
                apr_psprintf(plan->p, "%s is named twice", planned->change->member));
            break;
        }
        if (lb_change_plan_needs_slot(planned->change)
            && lb_change_plan_needs_slot(before->change)) {
            lb_change_plan_refuse(plan, planned->index, LB_WRONG_VALUE, "member",
                                  "only one member can be added or moved at a time");
            break;
        }
    }
    if (removes_the_last(plan, planned)) {
        lb_change_plan_refuse(plan, planned->index, LB_NOT_NOW, "member",
                              apr_psprintf(plan->p, "%s is the last member of %s; add another one "
                                                    "first",
                                           planned->change->member,
                                           planned->balancer->proxy->s->name));
    }
}

void lb_change_plan_check(lb_change_plan_t *plan)
{
    find_members(plan);
    for (int i = 0; i < plan->planned->nelts; i++) {
        const lb_planned_t *planned = &APR_ARRAY_IDX(plan->planned, i, lb_planned_t);
        const lb_member_t *member = planned->member.worker ? &planned->member : NULL;
        if (planned->change->member && !member) {
            continue;    /* is refused already */
        }
        lb_change_check(plan->result->errors, planned->index, planned->change, planned->balancer,
                        member);
        check_together(plan, i);
    }
}
