/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* view_exchange.c - see view_exchange.h. */
#include "view_exchange.h"

#include "forgetting.h"
#include "own_view.h"
#include "view_document.h"

static void before(lb_fleet_round_t *round)
{
    const char *text = lb_view_document_write(round->p, lb_own_view(round->p));

    if (text) {
        lb_round_publish(round, LB_KIND_VIEW, text);
    }
    lb_forgetting_ask(round);
}

const lb_exchange_t lb_view_exchange = { .name = "view",
                                         .before = before,
                                         .after = lb_forgetting_end };
