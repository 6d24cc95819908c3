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

#include "fleet_exchange.h"

extern const lb_exchange_t lb_health_exchange;

#endif
