/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* cookie_key.h - the secret that the values of sticky cookies are made with.
 * Knows    key files, the random key of this httpd.
 * Ignores  what is made with it. */
#ifndef LB_COOKIE_KEY_H
#define LB_COOKIE_KEY_H

#include "httpd.h"
#include "http_config.h"
#include "span.h"

#define LB_COOKIE_KEY_MIN 16
#define LB_COOKIE_KEY_MAX 4096

/** All bytes of a key file.
 *  key      in p
 *  returns  NULL, or what is wrong with the file */
const char *lb_cookie_key_read(apr_pool_t *p, const char *file, fc_span_t *key);

/** A random key, made when it is first asked for and then the same as long as httpd runs, over
 *  graceful restarts as well.
 *  process  the pool of the process
 *  returns  NULL, or what is wrong */
const char *lb_cookie_key_random(apr_pool_t *process, fc_span_t *key);

/** Warn at configtest when all users of this machine may read or write a file with a secret. */
void lb_cookie_key_warn_of_readers(const cmd_parms *cmd, const char *file);

#endif
