/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* provider.h - mod_proxy's lbmethod provider "byrequests" on top of the election; and running
 *              other providers (bybusyness, bytraffic, heartbeat) under our balancer.
 * Knows    mod_proxy's structs on one side, election.h and eligible.h on the other.
 * Ignores  sessions, tickets' counting.
 * Threads  byrequests takes no lock; other providers run under the balancer's global mutex,
 *          because they add to shared numbers without atomics. */
#ifndef LB_PROVIDER_H
#define LB_PROVIDER_H

#include "admission.h"
#include "ticket.h"

/** Register "byrequests". */
void lb_provider_register(apr_pool_t *pconf);

/** Elect a member that the ticket's request has not tried, and take the right on it.
 *  are_full   set when members could be elected but have no room now, or others wait for them
 *  returns    NULL when none can be had now */
proxy_worker *lb_provider_elect(const lb_ticket_t *ticket, bool *are_full);

/** Give this request to the member that it has a right on: see lb_health_admit(). One in error
 *  gets it also when nobody else is left for it.
 *  returns  false when it is to choose again */
bool lb_provider_admit(lb_ticket_t *ticket, proxy_worker *member);

/** Put the ticket's request into the queue of its balancer.
 *  request  priority and member are set; the rest is filled in here
 *  returns  a slot, see admission.h */
uint32_t lb_provider_queue(const lb_ticket_t *ticket, lb_waiter_t *request);

/** Take a right on a member that was chosen by other means; see lb_admission_take(). */
bool lb_provider_take(const proxy_balancer *balancer, proxy_worker *member);

/** Give a right back, and let in who waits for it.
 *  member   index of its row
 *  busy     mod_proxy's own count of it; NULL: none */
void lb_provider_give_back(const proxy_balancer *balancer, uint32_t member, size_t *busy);

/** Let in those who wait in this balancer and can be. */
void lb_provider_serve(const proxy_balancer *balancer);

/** A session chose this member: the method takes it into account. */
void lb_provider_account(const lb_ticket_t *ticket, proxy_worker *member);

/** Who serves now: whom elections choose from, trials of members in error aside.
 *  serves   by slot: set to true for these, else left as it is */
void lb_provider_mark_serving(const proxy_balancer *balancer, bool *serves);

/** Where this member stands in the method's own unit; byrequests: lb_election_credit(). */
int lb_provider_lbstatus(const proxy_balancer *balancer, const proxy_worker *member);

#endif
