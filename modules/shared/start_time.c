/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* start_time.c - see start_time.h. */
#include "start_time.h"

apr_time_t fc_start_time(apr_pool_t *process)
{
    static const char name[] = "fastcgi_cluster.start_time";
    void *found = NULL;

    apr_pool_userdata_get(&found, name, process);
    if (!found) {
        found = apr_palloc(process, sizeof(apr_time_t));
        *(apr_time_t *)found = apr_time_now();
        /* setn keeps the pointer to its name, and a module is loaded anew at each restart */
        apr_pool_userdata_set(found, name, NULL, process);
    }
    return *(apr_time_t *)found;
}
