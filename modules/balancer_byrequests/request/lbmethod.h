/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* lbmethod.h - mod_proxy's lbmethod provider "byrequests" on top of the election; and running
 *              other providers (bybusyness, bytraffic, heartbeat) under our balancer.
 * Knows    mod_proxy's structs on one side, election.h and eligible.h on the other.
 * Ignores  sessions, tickets' counting.
 * Threads  byrequests takes no lock; other providers run under the balancer's global mutex,
 *          because they add to shared numbers without atomics. */
#ifndef LB_LBMETHOD_H
#define LB_LBMETHOD_H

#include "ticket.h"

/** Register "byrequests". */
void lb_lbmethod_register(apr_pool_t *pconf);

/** Elect a member that the ticket's request has not tried, and take the right on it.
 *  are_full   set when members could be elected but have no room now, or others wait for them
 *  returns    none when none can be had now */
lb_member_t lb_lbmethod_elect(const lb_ticket_t *ticket, bool *are_full);

/** A session chose this member: the method takes it into account. */
void lb_lbmethod_account(const lb_ticket_t *ticket, const lb_member_t *member);

/** Who serves now: whom elections choose from, trials of members in error aside.
 *  serves   by slot: set to true for these, else left as it is */
void lb_lbmethod_mark_serving(const lb_balancer_t *balancer, bool *serves);

/** Where this member stands in the method's own unit; byrequests: lb_election_credit(). */
int lb_lbmethod_lbstatus(const lb_member_t *member);

#endif
