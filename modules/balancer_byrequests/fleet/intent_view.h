/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* intent_view.h - what operators want of the fleet, as the manager shows it. */
#ifndef LB_INTENT_VIEW_H
#define LB_INTENT_VIEW_H

#include "balancer_fleet.h"

/** All that this front knows: array of lb_fleet_change_t, in p. */
apr_array_header_t *lb_intent_view_take(apr_pool_t *p);

#endif
