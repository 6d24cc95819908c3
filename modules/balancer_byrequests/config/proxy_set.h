/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* proxy_set.h - ProxySet of a balancer with words of ours: takes them out of the line before
 *               mod_proxy reads it.
 * Knows    that httpd lets each module that has a directive of this name see its line, the one
 *          loaded last first, and that we are loaded after mod_proxy, whose symbols we need.
 * Ignores  which words they are.
 * Memory   pconf. */
#ifndef LB_PROXY_SET_H
#define LB_PROXY_SET_H

#include <stdbool.h>

#include "mod_proxy.h"

/** Take a word.
 *  balancer  balancer://name
 *  err       what is wrong with it; NULL: nothing
 *  returns   is it one of ours? */
typedef bool lb_proxy_set_take_t(const cmd_parms *cmd, const char *balancer, const char *word,
                                 const char **err);

/** Give all words of the line to `take`, and leave the others in it.
 *  returns  as a directive's handler */
const char *lb_proxy_set_read(cmd_parms *cmd, const char *args, lb_proxy_set_take_t *take);

/** Is it balancer://...? */
bool lb_proxy_set_is_balancer(const char *name);

#endif
