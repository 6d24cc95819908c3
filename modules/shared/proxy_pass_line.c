/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* proxy_pass_line.c - see proxy_pass_line.h. */
#include "proxy_pass_line.h"

#include <string.h>

#include "apr_strings.h"
#include "worker_url.h"

/* Of <Location path>; NULL for one with an expression, and for all else. */
static const char *path_around(apr_pool_t *p, const ap_directive_t *node)
{
    if (!node->parent || strcasecmp(node->parent->directive, "<Location") != 0) {
        return NULL;
    }
    const char *args = node->parent->args;
    const char *word = ap_getword_conf(p, &args);
    const size_t bytes = strlen(word);
    const bool is_whole = bytes > 0 && word[bytes - 1] == '>'; /* unless it is in quotes */

    return *word == '/' ? apr_pstrmemdup(p, word, bytes - is_whole) : NULL;
}

bool fc_proxy_pass_line_read(apr_pool_t *p, const ap_directive_t *node,
                             fc_proxy_pass_line_t *line)
{
    const char *args = node->args;

    if (strcasecmp(node->directive, "ProxyPass") != 0) {
        return false;
    }
    line->url = ap_getword_conf(p, &args);
    line->path = path_around(p, node);
    if (*line->url == '/') {
        line->path = line->url;
        line->url = ap_getword_conf(p, &args);
    }
    return line->path && strstr(line->url, "://");
}

bool fc_proxy_pass_line_glues(const fc_proxy_pass_line_t *line)
{
    return line->path[strlen(line->path) - 1] == '/' && fc_worker_url_ends_at_host(line->url);
}
