/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* action_check.h - is what an operator asks for right? Nothing is changed here.
 * Knows    the ranges of settings.
 * Ignores  what actions do together (action_run.c). */
#ifndef LB_ACTION_CHECK_H
#define LB_ACTION_CHECK_H

#include "member.h"
#include "mod_balancer_byrequests.h"

/** Note that something is wrong. */
void lb_action_check_refuse(apr_array_header_t *errors, int action, lb_refusal_t refusal,
                            const char *setting, const char *why);

/** Note all that is wrong with one action. With the balancer's global mutex held.
 *  errors   of lb_action_error_t
 *  index    of the action
 *  member   of the balancer; NULL: the action names none */
void lb_action_check(apr_array_header_t *errors, int index, const lb_action_t *action,
                     const lb_balancer_t *balancer, const lb_member_t *member);

#endif
