/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* temporary_file.c - see temporary_file.h. */
#include "temporary_file.h"

#include <stdlib.h>

#include "apr_general.h"
#include "apr_strings.h"

/* Not apr_temp_dir_get(): it writes a file to try the folder out, each time, and goes to another
 * one, of which nobody knows, when that fails. */
static const char *folder(void)
{
    const char *set = getenv("TMPDIR");
    return set && *set ? set : "/tmp";
}

/* Not apr_file_mktemp(): before APR 1.7.1 nobody closes its file once it was set aside for a slow
 * client. */
apr_status_t fcgi_temporary_file_open(apr_file_t **file, apr_pool_t *p)
{
    apr_uint64_t random;
    apr_status_t rv = apr_generate_random_bytes((unsigned char *)&random, sizeof(random));

    if (rv != APR_SUCCESS) {
        return rv;
    }
    const char *name = apr_psprintf(p, "%s/fcgi.%016" APR_UINT64_T_HEX_FMT, folder(), random);
    rv = apr_file_open(file, name,
                       APR_FOPEN_CREATE | APR_FOPEN_EXCL | APR_FOPEN_READ | APR_FOPEN_WRITE
                           | APR_FOPEN_BINARY,
                       APR_FPROT_UREAD | APR_FPROT_UWRITE, p);
    return rv == APR_SUCCESS ? apr_file_remove(name, p) : rv;
}
