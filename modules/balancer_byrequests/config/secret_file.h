/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* secret_file.h - a file whose bytes are a secret (keyfile=, secretfile=), and whether others can
 *                 read it (passwordfile=, too).
 * Ignores  what the secret is for.
 * Memory   the caller's pool.   Threads: at configtest and start only. */
#ifndef LB_SECRET_FILE_H
#define LB_SECRET_FILE_H

#include "httpd.h"
#include "http_config.h"
#include "span.h"

#define LB_SECRET_FILE_MIN 16
#define LB_SECRET_FILE_MAX 4096

/** All bytes of it.
 *  key      in p
 *  returns  NULL, or what is wrong with the file */
const char *lb_secret_file_read(apr_pool_t *p, const char *file, fc_span_t *key);

/** Warn at configtest when all users of this machine may read or write it. */
void lb_secret_file_warn_of_readers(const cmd_parms *cmd, const char *file);

#endif
