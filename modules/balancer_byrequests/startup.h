/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* startup.h - puts mod_proxy's balancers and members into shared memory at start, in this order:
 *             the saved state, slots, rows, what comes back of the state.
 * Knows    mod_slotmem_shm (for mod_proxy's own shared structs), inheritance of balancers by
 *          virtual hosts.
 * Ignores  elections and requests.
 * Memory   slots in pconf; the rows of the member table are table_segments.h's.
 * Threads  the parent's one, and each child's first. */
#ifndef LB_STARTUP_H
#define LB_STARTUP_H

#include "httpd.h"

/** Hook bodies. */
int lb_startup_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);
void lb_startup_child_init(apr_pool_t *pchild, server_rec *s);

#endif
