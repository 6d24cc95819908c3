/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* change_check.h - is what an operator asks for right? Nothing is changed here.
 * Knows    what a change may not say about a member or a balancer.
 * Ignores  what changes do together (change_plan.c). */
#ifndef LB_CHANGE_CHECK_H
#define LB_CHANGE_CHECK_H

#include "member.h"
#include "mod_balancer_byrequests.h"

/** Note that something is wrong. */
void lb_change_check_refuse(apr_array_header_t *errors, int change, lb_refusal_t refusal,
                            const char *setting, const char *why);

/** Note all that is wrong with one change. With the balancer's global mutex held.
 *  errors   of lb_change_error_t
 *  index    of the change
 *  member   of the balancer; NULL: the change names none */
void lb_change_check(apr_array_header_t *errors, int index, const lb_change_t *change,
                     const lb_balancer_t *balancer, const lb_member_t *member);

#endif
