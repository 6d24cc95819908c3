/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* exchange_table.c - see exchange_table.h. */
#include "exchange_table.h"

#include <stddef.h>

#include "health_exchange.h"
#include "intent_exchange.h"
#include "presence_exchange.h"
#include "share_exchange.h"
#include "view_exchange.h"

const lb_exchange_t *const lb_exchange_table[] = {
    &lb_presence_exchange,
    &lb_intent_exchange,
    &lb_share_exchange,
    &lb_view_exchange,
    &lb_health_exchange,
    NULL
};
