/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_view.h - the fleet as the manager shows it: see balancer_fleet.h. */
#ifndef LB_FLEET_VIEW_H
#define LB_FLEET_VIEW_H

#include "balancer_fleet.h"

/** returns  NULL: there is no BalancerFleet */
const lb_fleet_view_t *lb_fleet_view_take(apr_pool_t *p);

#endif
