/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* intent_apply.h - wishes that are still to be made so on this front.
 * Knows    in which order, what goes together, and that an edited configuration wins.
 * Ignores  who wins among the fronts, how a change is made.
 * Memory   the caller's pool.   Threads: the fleet's. */
#ifndef LB_INTENT_APPLY_H
#define LB_INTENT_APPLY_H

#include "fleet_intent.h"
#include "httpd.h"

/** Make so what can be, in the order of the stamps; each has its new standing.
 *  now      time of day
 *  heard    of lb_heard_t: what was changed is added
 *  returns  is one's standing another one? */
bool lb_intent_apply_all(apr_pool_t *p, lb_intents_t *intents, apr_time_t now,
                         apr_array_header_t *heard);

/** "bob", or "bob on web2" if he is not here. */
const char *lb_intent_apply_operator(apr_pool_t *p, const lb_intent_t *wish);

#endif
