/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* wording.c - writes values for people.
 * Knows    the units of the contract's views.
 * Ignores  HTML, XML, JSON.
 * Memory   answers live in the caller's pool.   Threads: any, no state. */
#include "wording.h"

#include <string.h>

#include "apr_strings.h"

const char *mgr_wording_sticky(apr_pool_t *p, const lb_balancer_view_t *balancer)
{
    if (!*balancer->sticky || !*balancer->sticky_path
        || strcmp(balancer->sticky, balancer->sticky_path) == 0) {
        return balancer->sticky;
    }
    return apr_pstrcat(p, balancer->sticky, "|", balancer->sticky_path, NULL);
}
