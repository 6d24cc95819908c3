/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* slow_start.h - how much of its share a member that came back does not get yet.
 * Knows    an even climb.   Ignores  members, httpd, clocks.
 * Memory   none.   Threads: any, no state. */
#ifndef LB_SLOW_START_H
#define LB_SLOW_START_H

#include <stdint.h>

#define LB_FULL_SHARE  10000u    /* a share in hundredths of a percent */
#define LB_FIRST_SHARE 100u      /* a climb begins here */

/** What is held back of a member's share, growing less evenly.
 *  began    monotonic us; 0: it does not climb
 *  length   us that the climb takes
 *  returns  0 to LB_FULL_SHARE - LB_FIRST_SHARE */
uint32_t lb_slow_start_held_back(int64_t began, int64_t length, int64_t now);

#endif
