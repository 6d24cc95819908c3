/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* sendfile.h - sends a file in place of the application's body (X-Sendfile).
 * Knows    the folders that are allowed, and that a symbolic link must not lead out of them.
 * Ignores  the exchange, which has ended.   Memory   r->pool. */
#ifndef FCGI_SENDFILE_H
#define FCGI_SENDFILE_H

#include "proxy_config.h"

/** Make the file the answer: headers of httpd's own for length, time and ETag; ranges and
 *  conditions as for any file.
 *  out      the file is added to it
 *  returns  OK, or the status to answer with (403, 404), logged */
int fcgi_sendfile_begin(request_rec *r, const fcgi_proxy_config_t *config, const char *path,
                        apr_bucket_brigade *out);

#endif
