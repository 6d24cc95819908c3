/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* proxy_set.c - see proxy_set.h. */
#include "proxy_set.h"

#include "apr_strings.h"

bool lb_proxy_set_is_balancer(const char *name)
{
    return name && strncasecmp(name, BALANCER_PREFIX, sizeof(BALANCER_PREFIX) - 1) == 0;
}

/* The line itself, to be changed: httpd hands out a constant one. */
static ap_directive_t *line_of(const cmd_parms *cmd)
{
    const ap_directive_t *line = cmd->directive;
    ap_directive_t *one = line->parent ? line->parent->first_child : ap_conftree;

    while (one && one != line) {
        one = one->next;
    }
    return one;
}

const char *lb_proxy_set_read(cmd_parms *cmd, const char *args, lb_proxy_set_take_t *take)
{
    const char *rest = args, *err = NULL;
    const char *balancer = lb_proxy_set_is_balancer(cmd->path)
                               ? cmd->path
                               : ap_getword_conf(cmd->pool, &rest);
    const char *others = apr_pstrmemdup(cmd->pool, args, (apr_size_t)(rest - args));

    if (!lb_proxy_set_is_balancer(balancer)) {
        return NULL;
    }
    while (*rest && !err) {
        const char *from = rest;
        const char *word = ap_getword_conf(cmd->pool, &rest);
        if (!take(cmd, balancer, word, &err)) {
            const char *raw = apr_pstrmemdup(cmd->pool, from, (apr_size_t)(rest - from));
            others = apr_pstrcat(cmd->pool, others, raw, NULL);
        }
    }
    ap_directive_t *line = line_of(cmd);
    if (line && !err) {
        line->args = others;
    }
    return err;
}
