/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* overview.h - all balancers at a glance: what is wrong first. */
#ifndef MGR_OVERVIEW_H
#define MGR_OVERVIEW_H

#include "page.h"

/** Print the numbers of all balancers together, as buttons that choose members where there are
 *  some. */
void mgr_overview_print_tiles(mgr_page_t *page);

/** Print a line for each balancer, the worst first. For browsers: scripts count tables and
 *  links. */
void mgr_overview_print_lines(mgr_page_t *page);

/** Print the bar that leads to each balancer. For browsers, too. */
void mgr_overview_print_bar(mgr_page_t *page);

#endif
