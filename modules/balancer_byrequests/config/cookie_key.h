/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* cookie_key.h - the secret that the values of sticky cookies are made with, where no file has it.
 * Knows    the random key of this httpd.
 * Ignores  what is made with it, and key files (secret_file.c). */
#ifndef LB_COOKIE_KEY_H
#define LB_COOKIE_KEY_H

#include "apr_pools.h"
#include "span.h"

/** A random key, made when it is first asked for and then the same as long as httpd runs, over
 *  graceful restarts as well.
 *  process  the pool of the process
 *  returns  NULL, or what is wrong */
const char *lb_cookie_key_random(apr_pool_t *process, fc_span_t *key);

#endif
