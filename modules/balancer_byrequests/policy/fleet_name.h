/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_name.h - what a fleet or a front can be called: it becomes a part of keys, of lines in the
 *                log and of the page.
 * Memory   none.   Threads: any, no state. */
#ifndef LB_FLEET_NAME_H
#define LB_FLEET_NAME_H

#include <stdbool.h>

#define LB_FLEET_NAME_MAX 64

/** 1 to LB_FLEET_NAME_MAX letters, digits, dots, hyphens and underscores. */
bool lb_fleet_name_is_valid(const char *name);

#endif
