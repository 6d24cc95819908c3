/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* health_exchange.h - what other fronts see of a member, as evidence; and one front that makes the
 *                     checks for all.
 * Knows    fleet=health; the lease by which one front holds the checks.
 * Ignores  what evidence does (fleet_evidence.h), and how another front's check stands for our own
 *          (checks.h): neither puts a member out.
 * Memory   evidence lies in the members' rows. Who holds the checks is asked for in each round.
 * Threads  the one that talks to the engine. */
#ifndef LB_HEALTH_EXCHANGE_H
#define LB_HEALTH_EXCHANGE_H

#include "balancer_fleet.h"
#include "fleet_exchange.h"
#include "member.h"

extern const lb_exchange_t lb_health_exchange;

/** Does this front make the checks for all? In the process that talks to the engine. */
bool lb_health_exchange_makes_checks(void);

/** If it does, what its last check of a member was: see lb_checks_stamp().
 *  returns  0: it does not, or has not checked it since it does */
uint32_t lb_health_exchange_stamp(const lb_member_t *member, bool *has_passed);

#endif
