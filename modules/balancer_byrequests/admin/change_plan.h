/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* change_plan.h - some changes at once: what they are about, and whether they can be made together.
 * Knows    what changes do together.
 * Ignores  the settings of one change (change_check.c), how they are changed (change_apply.c).
 * Threads  the caller's own; the locks of the owners are the caller's, too. */
#ifndef LB_CHANGE_PLAN_H
#define LB_CHANGE_PLAN_H

#include "member.h"
#include "mod_balancer_byrequests.h"

/* One change, and what it is about. */
typedef struct {
    int index;
    const lb_change_t *change;
    lb_balancer_t *balancer;
    lb_member_t member;                /* or none: none is named */
} lb_planned_t;

/* Some changes, and what they come to. */
typedef struct {
    apr_pool_t *p;
    server_rec *any;
    apr_array_header_t *planned;       /* of lb_planned_t */
    apr_array_header_t *owners;        /* of lb_balancer_t *, by id: whose locks they need */
    lb_change_result_t *result;
} lb_change_plan_t;

/** Find the balancers.
 *  changes  of lb_change_t
 *  returns  in p; its result has the errors so far */
lb_change_plan_t *lb_change_plan_make(apr_pool_t *p, server_rec *any,
                                      const apr_array_header_t *changes);

/** Find the members, and note all that is wrong. With the locks of all owners held. */
void lb_change_plan_check(lb_change_plan_t *plan);

/** Does it need a slot for a member? */
static inline bool lb_change_plan_needs_slot(const lb_change_t *change)
{
    return change->new_member || change->new_address;
}

/** A balancer by its key; NULL: there is none.
 *  vhost    NULL: the first one of this key */
lb_balancer_t *lb_change_plan_find_balancer(const char *key, const char *vhost);

/** A balancer's member by its URL, or by its name as it is shown; or none. */
lb_member_t lb_change_plan_find_member(apr_pool_t *p, const lb_balancer_t *balancer,
                                       const char *name);

/** Note that a change is refused. */
void lb_change_plan_refuse(const lb_change_plan_t *plan, int index, lb_refusal_t refusal,
                           const char *setting, const char *why);

#endif
