/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* presence_exchange.c - see presence_exchange.h. */
#include "presence_exchange.h"

#include "fastcgi_version.h"

static void say_it(lb_fleet_round_t *round)
{
    lb_round_publish(round, LB_KIND_FRONT, "{\"version\":\"" FASTCGI_CLUSTER_VERSION "\"}");
}

const lb_exchange_t lb_presence_exchange = { .name = "presence", .before = say_it };
