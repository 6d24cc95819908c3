/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* discovery_thread.h - asks DNS for the sources that are due.
 * Knows    that one process asks for all (duty.h).
 * Ignores  what answers mean (discovery.h).
 * Memory   a pool for each round.
 * Threads  one, in the child that has the duty; none without sources. */
#ifndef LB_DISCOVERY_THREAD_H
#define LB_DISCOVERY_THREAD_H

#include "httpd.h"

/** Hook bodies. */
int lb_discovery_thread_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                    server_rec *s);
void lb_discovery_thread_child_init(apr_pool_t *pchild, server_rec *s);

#endif
