/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* verdict.h - what the end of a try says about its member.
 * Knows    outcomes, failonstatus, failontimeout; how mod_proxy's own schemes tell of failures.
 * Ignores  how many failures are too many (health.c). */
#ifndef LB_VERDICT_H
#define LB_VERDICT_H

#include "ticket.h"

/** A try ended, and its right was given back. */
void lb_verdict_of_try(lb_ticket_t *ticket, lb_outcome_t outcome);

/** The same for a scheme that knows no tickets (http, ajp, ...): by what mod_proxy left behind. */
void lb_verdict_of_other_scheme(lb_ticket_t *ticket);

/** The client's answer has its final status now. */
void lb_verdict_of_answer(lb_ticket_t *ticket);

#endif
