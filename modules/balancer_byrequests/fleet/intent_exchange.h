/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* intent_exchange.h - tells the other fronts what operators want, hears of them, and has it done.
 * Knows    when to look, who is to hear of it.
 * Ignores  who wins (fleet_intent.h), how it is done (intent_apply.h).
 * Memory   the pool of the round.   Threads: the fleet's. */
#ifndef LB_INTENT_EXCHANGE_H
#define LB_INTENT_EXCHANGE_H

#include "fleet_exchange.h"

extern const lb_exchange_t lb_intent_exchange;

/** See lb_change_listen in the contract. */
void lb_intent_exchange_listen(void (*hear)(const apr_array_header_t *heard));

#endif
