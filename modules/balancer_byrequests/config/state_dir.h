/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* state_dir.h - BalancerStateDir: below which directory is kept what has to outlive a restart.
 * Knows    the directive and its default.   Ignores  what is kept there.
 * Memory   pconf; read-only at run time. */
#ifndef LB_STATE_DIR_H
#define LB_STATE_DIR_H

#include "httpd.h"
#include "http_config.h"

/** Hook body of pre_config: forget the configuration before. */
int lb_state_dir_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);

/** Take the argument of the directive.
 *  returns  NULL, or what is wrong */
const char *lb_state_dir_read(const cmd_parms *cmd, const char *path);

/** The path of a folder in it, in p.
 *  returns  NULL: the path is invalid */
char *lb_state_dir_relative(apr_pool_t *p, const char *folder);

#endif
