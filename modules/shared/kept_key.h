/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* kept_key.h - a random key that is the same as long as httpd runs, graceful restarts included. */
#ifndef FC_KEPT_KEY_H
#define FC_KEPT_KEY_H

#include "apr_pools.h"

/** The key of this name: made at the first call.
 *  process  the pool of the process, which outlives restarts; the key lies in it
 *  name     of its own for each key
 *  key      set on success
 *  returns  the error of the source of random bytes */
apr_status_t fc_kept_key(apr_pool_t *process, const char *name, apr_size_t bytes,
                         const unsigned char **key);

#endif
