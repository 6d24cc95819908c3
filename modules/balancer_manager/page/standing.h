/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* standing.h - how the balancers of the page stand, and which of them comes first. */
#ifndef MGR_STANDING_H
#define MGR_STANDING_H

#include "page.h"

/** Look at all balancers; sets standings and problems of the page. */
void mgr_standing_look(mgr_page_t *page);

/** That of a balancer of the visit's. */
const mgr_standing_t *mgr_standing_of(const mgr_page_t *page, const lb_balancer_view_t *balancer);

/** Say what is wrong, in a few words; nothing when all is in order. */
void mgr_standing_print_trouble(mgr_page_t *page, const mgr_standing_t *standing);

#endif
