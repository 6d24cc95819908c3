/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* check_panic.h - hcpanic: how many members of a balancer may be out of service for their checks.
 * Knows    the rule.   Ignores  members, checks, httpd.
 * Memory   keeps nothing.   Threads: any, no state. */
#ifndef LB_CHECK_PANIC_H
#define LB_CHECK_PANIC_H

#include <stdbool.h>
#include <stdint.h>

#define LB_HCPANIC_UNSET (-1)

/** What holds where nothing is written: half of the members may go. A member that is alone may,
 *  too: there is nobody to compare it with, and its checks were asked for.
 *  members   of the balancer
 *  returns   percent */
int lb_check_panic_default(uint32_t members);

/** Checks that would put out most of a balancer are more likely wrong, or too strict, than right.
 *  usable    members that could serve if there were no checks
 *  out       how many of them would be out for their checks
 *  percent   hcpanic
 *  returns   are these too many? Then nobody else is put out. */
bool lb_check_panic(uint32_t usable, uint32_t out, int percent);

#endif
