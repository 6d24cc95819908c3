/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_section.h - the other fronts of the fleet on the page, and each member over all of them. */
#ifndef MGR_FLEET_SECTION_H
#define MGR_FLEET_SECTION_H

#include "page.h"

/** Print it; nothing without a fleet. */
void mgr_fleet_section_print(mgr_page_t *page);

#endif
