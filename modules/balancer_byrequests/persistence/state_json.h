/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* state_json.h - a saved state as the text of its file, version 1.
 * Knows    Jansson, the names in the file.   Ignores  where the file is, what the values mean.
 * Memory   the text is malloced, what is read lies in the caller's pool.   Threads: any. */
#ifndef LB_STATE_JSON_H
#define LB_STATE_JSON_H

#include <stddef.h>

#include "apr_pools.h"
#include "saved_state.h"

/** returns  text with a line feed at its end, to free(); NULL: no memory */
char *lb_state_json_write(const lb_saved_state_t *state);

/** why      on failure, in words
 *  returns  NULL when it is no state of this version, whole and with all that belongs to it */
lb_saved_state_t *lb_state_json_read(apr_pool_t *p, const char *text, size_t bytes,
                                     const char **why);

#endif
