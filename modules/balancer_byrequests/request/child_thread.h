/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* child_thread.h - the thread of each child process that stands for it in the ledger.
 * Knows    the ledger of each table, all balancers: it hears the bell, gives back what dead
 *          processes held, and lets in who waits when a member comes back.
 * Ignores  requests.
 * Memory   pchild.   Threads: starts one for each table (nearly always one). */
#ifndef LB_CHILD_THREAD_H
#define LB_CHILD_THREAD_H

#include "httpd.h"

/** Hook body of child_init, after lb_startup_child_init(). */
void lb_child_thread_child_init(apr_pool_t *pchild, server_rec *s);

#endif
