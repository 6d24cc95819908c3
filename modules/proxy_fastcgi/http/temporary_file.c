/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* temporary_file.c - see temporary_file.h. */
#include "temporary_file.h"

#include <stdlib.h>

#include "apr_strings.h"

/* Not apr_temp_dir_get(): it writes a file to try the folder out, each time, and goes to another
 * one, of which nobody knows, when that fails. */
static const char *folder(void)
{
    const char *set = getenv("TMPDIR");
    return set && *set ? set : "/tmp";
}

apr_status_t fcgi_temporary_file_open(apr_file_t **file, apr_pool_t *p)
{
    char *name = apr_pstrcat(p, folder(), "/fcgi.XXXXXX", NULL);
    const apr_status_t rv = apr_file_mktemp(file, name,
                                            APR_FOPEN_CREATE | APR_FOPEN_EXCL | APR_FOPEN_READ
                                                | APR_FOPEN_WRITE | APR_FOPEN_BINARY,
                                            p);
    return rv == APR_SUCCESS ? apr_file_remove(name, p) : rv;
}
