/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* temporary_file.c - see temporary_file.h. */
#include "temporary_file.h"

#include "apr_strings.h"

apr_status_t fcgi_temporary_file_open(apr_file_t **file, apr_int32_t flags, apr_pool_t *p)
{
    const char *folder;
    char *name;

    apr_status_t rv = apr_temp_dir_get(&folder, p);
    if (rv == APR_SUCCESS) {
        name = apr_pstrcat(p, folder, "/fcgi.XXXXXX", NULL);
        rv = apr_file_mktemp(file, name,
                             APR_FOPEN_CREATE | APR_FOPEN_EXCL | APR_FOPEN_READ | APR_FOPEN_WRITE
                                 | APR_FOPEN_BINARY | flags,
                             p);
    }
    return rv == APR_SUCCESS ? apr_file_remove(name, p) : rv;
}
