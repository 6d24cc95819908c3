/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* checks_lease.c - see checks_lease.h. */
#include "checks_lease.h"

#include <stdatomic.h>

#include "clock.h"

static _Atomic apr_time_t ours_since;

bool lb_checks_lease_set(bool is_ours)
{
    const bool was_ours = ours_since != 0;

    if (is_ours != was_ours) {
        ours_since = is_ours ? fc_now() : 0;
    }
    return is_ours != was_ours;
}

apr_time_t lb_checks_lease_since(void)
{
    return ours_since;
}
