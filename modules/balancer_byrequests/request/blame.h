/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* blame.h - what the end of a try says about its member.
 * Knows    outcomes, failonstatus, failontimeout; how mod_proxy's own schemes tell of failures.
 * Ignores  how many failures are too many (health.c). */
#ifndef LB_BLAME_H
#define LB_BLAME_H

#include "ticket.h"

/** The outcome of a try, when the status of its answer is known too (failonstatus). */
lb_outcome_t lb_blame_refine(const lb_ticket_t *ticket, lb_outcome_t outcome);

/** What became of a try of a scheme that knows no tickets (http, ajp, ...): by what mod_proxy left
 *  behind. */
lb_outcome_t lb_blame_outcome_of_other_scheme(const lb_ticket_t *ticket);

/** A try ended; its right is still held.
 *  outcome   refined */
void lb_blame_of_try(lb_ticket_t *ticket, lb_outcome_t outcome);

/** Its client has gone, but it has said something: it is not silent. */
void lb_blame_of_sign_of_life(const lb_ticket_t *ticket);

/** The same for a scheme that knows no tickets: its answer has its final status already. */
void lb_blame_of_other_scheme(lb_ticket_t *ticket, lb_outcome_t outcome);

/** The head of the member's answer has come, and its status. */
void lb_blame_of_head(lb_ticket_t *ticket);

/** The client's answer has its final status now. */
void lb_blame_of_answer(lb_ticket_t *ticket);

#endif
