/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* waiting_schemes.h - the schemes whose handlers wait for a member themselves, by the contract's
 *                     lb_ticket_turn(); for the others the balancer waits.
 * Memory   of the process.   Threads: any, but to add. */
#ifndef LB_WAITING_SCHEMES_H
#define LB_WAITING_SCHEMES_H

#include "member.h"

/** At the retrieval of optional functions: the handler of this scheme waits.
 *  scheme   is kept */
void lb_waiting_schemes_add(const char *scheme);

/** Are all members of a balancer of such schemes, those to come included? */
bool lb_waiting_schemes_are_all_of(const lb_balancer_t *balancer);

#endif
