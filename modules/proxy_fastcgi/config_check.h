/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* config_check.h - the mistakes in FastCGI URLs that `apachectl configtest` finds.
 * Knows    the configuration tree, how mod_proxy finds the worker of a URL.
 * Ignores  balancers and their members (mod_balancer_byrequests), what happens at run time. */
#ifndef FCGI_CONFIG_CHECK_H
#define FCGI_CONFIG_CHECK_H

#include "httpd.h"

/** Hook body of check_config: refuse what cannot work, warn of what hardly does; with the cure. */
int fcgi_config_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *main);

/** Hook body of post_config: says once what this httpd is too old for. */
int fcgi_config_check_httpd(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                            server_rec *main);

#endif
