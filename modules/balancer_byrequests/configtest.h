/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* configtest.h - the mistakes that `apachectl configtest` finds.
 * Knows    the configuration tree, which modules go together.
 * Ignores  what happens at run time. */
#ifndef LB_CONFIGTEST_H
#define LB_CONFIGTEST_H

#include "httpd.h"

/** pre_config: register the mutex type. */
int lb_configtest_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);

/** check_config: refuse what cannot work, with the cure. */
int lb_configtest_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                        server_rec *s);

#endif
