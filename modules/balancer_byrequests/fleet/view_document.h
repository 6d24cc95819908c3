/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* view_document.h - what a front says of itself and its members, as JSON, version 1.
 * Knows    Jansson, the names in the document.
 * Ignores  seals, the engine, where the numbers come from.
 * Memory   the caller's pool.   Threads: any. */
#ifndef LB_VIEW_DOCUMENT_H
#define LB_VIEW_DOCUMENT_H

#include <stddef.h>

#include "balancer_fleet.h"

#define LB_VIEW_DOCUMENT_MAX 32768    /* bytes */

/** Write it. What has no room is left out and counted, idle members before others, and of equals
 *  the last ones first; left_out of `view` is not looked at.
 *  returns  at most LB_VIEW_DOCUMENT_MAX bytes; NULL: no memory */
const char *lb_view_document_write(apr_pool_t *p, const lb_front_view_t *view);

/** why      on failure, in words
 *  returns  NULL when it is no document of this version, whole and with all that belongs to it */
const lb_front_view_t *lb_view_document_read(apr_pool_t *p, const char *text, size_t bytes,
                                             const char **why);

#endif
