/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* action_plan.c - see action_plan.h. */
#include "action_plan.h"

#include "action_check.h"
#include "apr_strings.h"

void lb_action_plan_refuse(const lb_action_plan_t *op, int index, lb_refusal_t refusal,
                           const char *setting, const char *why)
{
    lb_action_check_refuse(op->result->errors, index, refusal, setting, why);
}

/* ---- What the actions are about -------------------------------------------------------------- */

static lb_balancer_t *find_balancer(const lb_action_t *action)
{
    const apr_array_header_t *all = lb_balancer_all();

    for (int i = 0; i < all->nelts; i++) {
        lb_balancer_t *balancer = APR_ARRAY_IDX(all, i, lb_balancer_t *);
        const char *key = balancer->proxy->s->name + sizeof(BALANCER_PREFIX) - 1;
        if (strcasecmp(key, action->balancer) == 0
            && (!action->vhost || strcmp(balancer->vhost, action->vhost) == 0)) {
            return balancer;
        }
    }
    return NULL;
}

lb_member_t lb_action_plan_find_member(apr_pool_t *p, const lb_balancer_t *balancer,
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

/* In the order of their ids, so that two operations never wait for each other. */
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

lb_action_plan_t *lb_action_plan_plan(apr_pool_t *p, server_rec *any,
                                      const apr_array_header_t *actions)
{
    lb_action_plan_t *op = apr_pcalloc(p, sizeof(*op));

    op->p = p;
    op->any = any;
    op->planned = apr_array_make(p, actions->nelts, sizeof(lb_planned_t));
    op->owners = apr_array_make(p, 1, sizeof(lb_balancer_t *));
    op->result = apr_pcalloc(p, sizeof(*op->result));
    op->result->errors = apr_array_make(p, 1, sizeof(lb_action_error_t));
    op->result->changes = apr_array_make(p, actions->nelts, sizeof(lb_change_t));
    for (int i = 0; i < actions->nelts; i++) {
        const lb_action_t *action = &APR_ARRAY_IDX(actions, i, lb_action_t);
        lb_balancer_t *balancer = find_balancer(action);
        if (!balancer) {
            lb_action_plan_refuse(op, i, LB_NOT_THERE, "balancer",
                                  apr_psprintf(p, "there is no balancer %s%s%s", action->balancer,
                                               action->vhost ? " in " : "",
                                               action->vhost ? action->vhost : ""));
            continue;
        }
        APR_ARRAY_PUSH(op->planned, lb_planned_t) =
            (lb_planned_t){ .index = i, .action = action, .balancer = balancer };
        add_owner(op->owners, balancer->owner);
    }
    return op;
}

static void find_members(const lb_action_plan_t *op)
{
    for (int i = 0; i < op->planned->nelts; i++) {
        lb_planned_t *planned = &APR_ARRAY_IDX(op->planned, i, lb_planned_t);
        const lb_action_t *action = planned->action;
        const lb_balancer_t *balancer = planned->balancer;

        if (!action->member) {
            continue;
        }
        planned->member = lb_action_plan_find_member(op->p, balancer, action->member);
        if (!planned->member.worker) {
            lb_action_plan_refuse(op, planned->index, LB_NOT_THERE, "member",
                                  apr_psprintf(op->p, "%s has no member %s",
                                               balancer->proxy->s->name, action->member));
        }
    }
}

/* ---- Are they right? Nothing is changed before all of them are. ------------------------------ */

/* Does this one, removals of the others included, leave its balancer without members? */
static bool removes_the_last(const lb_action_plan_t *op, const lb_planned_t *planned)
{
    lb_member_t member;
    int staying = 0, removed = 0;

    if (!planned->member.worker || !planned->action->remove_member) {
        return false;
    }
    for (int i = 0; lb_member_next(planned->balancer, &i, &member);) {
        staying += !lb_member_leaves(&member);
    }
    for (int i = 0; i < op->planned->nelts; i++) {
        const lb_planned_t *other = &APR_ARRAY_IDX(op->planned, i, lb_planned_t);
        removed += other->member.worker && other->action->remove_member
                   && other->balancer->owner == planned->balancer->owner
                   && !lb_member_leaves(&other->member);
    }
    return removed > 0 && removed >= staying;
}

static void check_together(const lb_action_plan_t *op, int n)
{
    const lb_planned_t *planned = &APR_ARRAY_IDX(op->planned, n, lb_planned_t);

    for (int i = 0; i < n; i++) {
        const lb_planned_t *before = &APR_ARRAY_IDX(op->planned, i, lb_planned_t);
        if (planned->member.worker && lb_member_is(&before->member, &planned->member)) {
            lb_action_plan_refuse(
                op, planned->index, LB_WRONG_VALUE, "member",
                apr_psprintf(op->p, "%s is named twice", planned->action->member));
            break;
        }
        if (lb_action_plan_needs_slot(planned->action)
            && lb_action_plan_needs_slot(before->action)) {
            lb_action_plan_refuse(op, planned->index, LB_WRONG_VALUE, "member",
                                  "only one member can be added or moved at a time");
            break;
        }
    }
    if (removes_the_last(op, planned)) {
        lb_action_plan_refuse(op, planned->index, LB_NOT_NOW, "member",
                              apr_psprintf(op->p, "%s is the last member of %s; add another one "
                                                  "first",
                                           planned->action->member,
                                           planned->balancer->proxy->s->name));
    }
}

void lb_action_plan_check(lb_action_plan_t *op)
{
    find_members(op);
    for (int i = 0; i < op->planned->nelts; i++) {
        const lb_planned_t *planned = &APR_ARRAY_IDX(op->planned, i, lb_planned_t);
        const lb_member_t *member = planned->member.worker ? &planned->member : NULL;
        if (planned->action->member && !member) {
            continue;    /* is refused already */
        }
        lb_action_check(op->result->errors, planned->index, planned->action, planned->balancer,
                        member);
        check_together(op, i);
    }
}
