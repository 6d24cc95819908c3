/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* temporary_file.h - a file without a name: nothing is left behind, whatever happens.
 * Knows    the temporary folder (TMPDIR, else /tmp).
 * Ignores  what is kept in it.   Memory   the pool's.   Threads: any. */
#ifndef FCGI_TEMPORARY_FILE_H
#define FCGI_TEMPORARY_FILE_H

#include "apr_file_io.h"

/** Open one for reading and writing.
 *  Without APR's buffer, which tells of a failed write too late. */
apr_status_t fcgi_temporary_file_open(apr_file_t **file, apr_pool_t *p);

#endif
