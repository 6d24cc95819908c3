/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* changes.h - what differs between two snapshots of a balancer. */
#ifndef MGR_CHANGES_H
#define MGR_CHANGES_H

#include "mod_balancer_byrequests.h"

/** Say what is configured otherwise now; counters and errors do not matter.
 *  returns  array of const char * in p, like "fcgi://a:9000: Load factor 1.00 -> 2.00" */
apr_array_header_t *mgr_changes_list(apr_pool_t *p, const lb_balancer_view_t *before,
                                     const lb_balancer_view_t *after);

#endif
