/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* tally.h - how often tries ended how, by the words of outcomes: some share one.
 * Memory   none.   Threads: any, no state. */
#ifndef MGR_TALLY_H
#define MGR_TALLY_H

#include "mod_balancer_byrequests.h"

enum { MGR_TALLY_CLASSES = 6 };

/** The names of classes of answers, as the views count them: none, 1xx, ... */
extern const char *const mgr_tally_classes[MGR_TALLY_CLASSES];

/** The next word that was counted, in the order of lb_outcome_t.
 *  ends     as in the views
 *  at       where to go on; begin with the first outcome that is wanted
 *  count    set: of all outcomes of this word
 *  returns  NULL when there is none left */
const char *mgr_tally_next(const uint64_t *ends, int *at, uint64_t *count);

/** How many of a hundred requests of the last minute failed, were answered with 5xx, or, of a
 *  balancer, got no member; -1: there were none. */
double mgr_tally_error_percent(const lb_recent_t *recent);

#endif
