/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* json_log.h - parts of a LogFormat that are values of JSON: %^JU is %U in quotes, with all that is
 *              in it escaped as JSON wants it. httpd's own escapes (\xhh, \v) are none in JSON.
 * Knows    mod_log_config's interface for parts of other modules.
 * Ignores  what a format is made of; what a character is (json_character.h).
 * Memory   r->pool.   Threads: any, no state. */
#ifndef FCGI_JSON_LOG_H
#define FCGI_JSON_LOG_H

#include "httpd.h"

/** Hook body of pre_config, behind mod_log_config's. */
int fcgi_json_log_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);

#endif
