/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* view_exchange.h - this front tells the others what it sees of its members. */
#ifndef LB_VIEW_EXCHANGE_H
#define LB_VIEW_EXCHANGE_H

#include "fleet_exchange.h"

extern const lb_exchange_t lb_view_exchange;

#endif
