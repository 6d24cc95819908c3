/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* forgetting.h - an operator says that a front is gone for good: its documents are removed from the
 *                engine, and so from all fronts.
 * Memory   whom to forget stands in the draft of the view (board.h), a name a line, until it is
 *          done.
 * Threads  the first one any, in any process; the others the one that talks to the engine. */
#ifndef LB_FORGETTING_H
#define LB_FORGETTING_H

#include "fleet_round.h"

/** returns  NULL, or why that front cannot be forgotten now; in p */
const char *lb_forgetting_begin(apr_pool_t *p, const char *front);

/** Before and after a round. */
void lb_forgetting_ask(lb_fleet_round_t *round);
void lb_forgetting_end(lb_fleet_round_t *round);

#endif
