/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_exchange.c - see fleet_exchange.h. */
#include "fleet_exchange.h"

#include <stddef.h>

#include "health_exchange.h"
#include "view_exchange.h"

const lb_exchange_t *const lb_exchanges[] = {
    &lb_view_exchange,
    &lb_health_exchange,
    NULL
};
