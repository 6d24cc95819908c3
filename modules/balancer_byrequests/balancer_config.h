/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* balancer_config.h - member parameters, and the mistakes that `apachectl configtest` finds.
 * Knows    mod_proxy's opening for parameters that it does not know (set_worker_hc_param), the
 *          configuration tree, which modules go together.
 * Ignores  what happens at run time. */
#ifndef LB_BALANCER_CONFIG_H
#define LB_BALANCER_CONFIG_H

#include "httpd.h"

/** pre_config, before mod_proxy.c: put ourselves behind mod_proxy's opening for parameters. */
int lb_balancer_config_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);

/** check_config: refuse what cannot work, with the cure. */
int lb_balancer_config_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                             server_rec *s);

#endif
