/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* action_plan.h - some actions at once: what they are about, and whether they can be done together.
 * Knows    what actions do together.
 * Ignores  the settings of one action (action_check.c), how they are changed (action_run.c).
 * Threads  the caller's own; the locks of the owners are the caller's, too. */
#ifndef LB_ACTION_PLAN_H
#define LB_ACTION_PLAN_H

#include "member.h"
#include "mod_balancer_byrequests.h"

/* One action, and what it is about. */
typedef struct {
    int index;
    const lb_action_t *action;
    lb_balancer_t *balancer;
    lb_member_t member;                /* or none: none is named */
} lb_planned_t;

/* Some actions, and what they come to. */
typedef struct {
    apr_pool_t *p;
    server_rec *any;
    apr_array_header_t *planned;       /* of lb_planned_t */
    apr_array_header_t *owners;        /* of lb_balancer_t *, by id: whose locks they need */
    lb_result_t *result;
} lb_action_plan_t;

/** Find the balancers.
 *  actions  of lb_action_t
 *  returns  in p; its result has the errors so far */
lb_action_plan_t *lb_action_plan_plan(apr_pool_t *p, server_rec *any,
                                      const apr_array_header_t *actions);

/** Find the members, and note all that is wrong. With the locks of all owners held. */
void lb_action_plan_check(lb_action_plan_t *op);

/** Does it need a slot for a member? */
static inline bool lb_action_plan_needs_slot(const lb_action_t *action)
{
    return action->new_member || action->new_address;
}

/** A balancer's member by its URL, or by its name as it is shown; or none. */
lb_member_t lb_action_plan_find_member(apr_pool_t *p, const lb_balancer_t *balancer,
                                       const char *name);

/** Note that an action is refused. */
void lb_action_plan_refuse(const lb_action_plan_t *op, int index, lb_refusal_t refusal,
                           const char *setting, const char *why);

#endif
