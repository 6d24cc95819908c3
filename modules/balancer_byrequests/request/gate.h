/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* gate.h - a right on a member is taken, given back and waited for, with what is known of members
 *          now.
 * Knows    admission.h, serving.h and outlook.h, and who contends (contenders.h).
 * Ignores  who is elected (lbmethod.c), how a request waits (waiting.c).
 * Threads  any. */
#ifndef LB_GATE_H
#define LB_GATE_H

#include "admission.h"
#include "outlook.h"
#include "ticket.h"

/** Take a right on a member that was chosen by other means; see lb_admission_take(). */
bool lb_gate_take(const lb_member_t *member);

/** Give a right back, and let in who waits for it: on a member, or on one that this process does
 *  not know.
 *  ticket   of the try that it was used for; NULL: for none
 *  index    of its row */
void lb_gate_give_back(const lb_member_t *member, const lb_ticket_t *ticket);
void lb_gate_give_back_unknown(const lb_balancer_t *balancer, uint32_t index);

/** The client of this ticket has gone while the right was held, which is kept. */
void lb_gate_note_gone(const lb_ticket_t *ticket);

/** Let in those who wait in this balancer and can be. */
void lb_gate_serve(const lb_balancer_t *balancer);

/** How it stands with the balancer's queue; see lb_outlook_of().
 *  rule     of its order; NULL: not wanted */
lb_outlook_t lb_gate_outlook(const lb_balancer_t *balancer, lb_queue_rule_t *rule);

/** Put the ticket's request into the queue of its balancer.
 *  request  all but the balancer is set
 *  refusal, returns  see lb_admission_queue() */
uint32_t lb_gate_queue(const lb_ticket_t *ticket, lb_waiter_t *request, lb_outcome_t *refusal);

/** Give this request to the member that it has a right on: see lb_health_admit(). One in error
 *  gets it also when nobody else is left for it.
 *  returns  false when it is to choose again */
bool lb_gate_admit(lb_ticket_t *ticket, const lb_member_t *member);

#endif
