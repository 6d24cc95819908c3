/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* presence_exchange.h - each front says that it is there, and of which version, whatever its
 *                       balancers share: so fronts see each other live, and two of one name see
 *                       that. */
#ifndef LB_PRESENCE_EXCHANGE_H
#define LB_PRESENCE_EXCHANGE_H

#include "fleet_exchange.h"

extern const lb_exchange_t lb_presence_exchange;

#endif
