/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* exchange_table.h - all exchanges of a fleet, in the order in which they are driven. */
#ifndef LB_EXCHANGE_TABLE_H
#define LB_EXCHANGE_TABLE_H

#include "fleet_exchange.h"

/** A NULL ends the array. */
extern const lb_exchange_t *const lb_exchange_table[];

#endif
