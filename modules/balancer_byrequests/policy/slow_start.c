/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* slow_start.c - see slow_start.h. */
#include "slow_start.h"

uint32_t lb_slow_start_held_back(int64_t began, int64_t length, int64_t now)
{
    const int64_t done = now - began;

    if (began == 0 || done >= length || done < 0) {    /* < 0: the clock was set back */
        return 0;
    }
    const uint32_t share = (uint32_t)(done / ((double)length / LB_FULL_SHARE));
    return LB_FULL_SHARE - (share > LB_FIRST_SHARE ? share : LB_FIRST_SHARE);
}
