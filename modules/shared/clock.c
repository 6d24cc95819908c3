/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* clock.c - see clock.h. */
#include "clock.h"

#include <time.h>

apr_time_t fc_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return apr_time_from_sec(now.tv_sec) + now.tv_nsec / 1000;
}
