/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* proxy_pass_line.h - a ProxyPass in the configuration tree: from which path to which URL.
 * Knows    both of its forms: with a path, and inside <Location>.
 * Ignores  ProxyPassMatch, and what the URL is worth (worker_url.h).
 * Memory   the caller's pool. */
#ifndef FC_PROXY_PASS_LINE_H
#define FC_PROXY_PASS_LINE_H

#include <stdbool.h>

#include "httpd.h"
#include "http_config.h"

typedef struct {
    const char *path;
    const char *url;
} fc_proxy_pass_line_t;

/** Read it.
 *  returns  false: it is no ProxyPass, or has no URL */
bool fc_proxy_pass_line_read(apr_pool_t *p, const ap_directive_t *node,
                             fc_proxy_pass_line_t *line);

/** Is what follows the path glued to the name of the host? "/a/" and "fcgi://h:9000" ask the host
 *  "h:9000x.php" for /a/x.php. */
bool fc_proxy_pass_line_glues(const fc_proxy_pass_line_t *line);

#endif
