/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* kept_key.c - see kept_key.h. */
#include "kept_key.h"

#include "apr_general.h"

apr_status_t fc_kept_key(apr_pool_t *process, const char *name, apr_size_t bytes,
                         const unsigned char **key)
{
    void *found = NULL;

    apr_pool_userdata_get(&found, name, process);
    if (!found) {
        found = apr_palloc(process, bytes);
        const apr_status_t rv = apr_generate_random_bytes(found, bytes);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        /* setn keeps the pointer to its name, and a module is loaded anew at each restart */
        apr_pool_userdata_set(found, name, NULL, process);
    }
    *key = found;
    return APR_SUCCESS;
}
