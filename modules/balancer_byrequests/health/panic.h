/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* panic.h - puts members out of service that have failed their checks, unless too many are.
 * Knows    hcpanic, stock's bit for members that failed their checks, and what the log says when
 *          the rule begins to keep members in service and when it ends.
 * Ignores  when a check has failed (checks.c), the rule itself (check_panic.h).
 * Memory   is_down and is_kept in the members' shared rows.
 * Threads  any: who goes and who is kept is decided under the table's lock, so that two whose
 *          checks fail at once are not both taken for the first. */
#ifndef LB_PANIC_H
#define LB_PANIC_H

#include <stdbool.h>

#include "member.h"

/** The member has failed its checks: put it out of service, or keep it.
 *  returns  is it out? */
bool lb_panic_put_out(const lb_member_t *member, server_rec *s);

/** It has passed a check, or is being removed: hcpanic does not keep it in service any more. */
void lb_panic_let_go(const lb_member_t *member, server_rec *s);

/** Would it be out, if not too many were? */
bool lb_panic_keeps(const lb_member_t *member);

/** What holds for this balancer: hcpanic, or its default; percent. */
int lb_panic_percent(const lb_balancer_t *balancer);

/** Is any member of this balancer kept? */
bool lb_panic_is_on(const lb_balancer_t *balancer);

#endif
