/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member_template.h - what members that come or move at run time are made after.
 * Knows    mod_proxy's worker structs, the defaults of a balancer's members.
 * Ignores  slots, and who asks (membership.c, state_restoring.c).
 * Memory   as each function says; nothing is in a balancer's array. */
#ifndef LB_MEMBER_TEMPLATE_H
#define LB_MEMBER_TEMPLATE_H

#include "balancer.h"

/** The URL of a member behind another address.
 *  returns  NULL when `address` is no host:port */
const char *lb_member_template_moved_url(apr_pool_t *p, const char *url, const char *address);

/** In the parent: a worker that nobody uses, with the balancer's defaults for its members.
 *  returns  NULL: one of them is wrong (logged) */
proxy_worker *lb_member_template_make(apr_pool_t *pconf, lb_balancer_t *balancer);

/** A struct like another one; it is not yet in any balancer's array.
 *  like     the balancer's template, or that of a source
 *  returns  NULL, else what is wrong, in p */
const char *lb_member_template_define(apr_pool_t *p, proxy_worker **worker,
                                      const lb_balancer_t *balancer, const proxy_worker *like,
                                      const char *url);

/** In the parent, before it is shared: the same member at another URL.
 *  returns  NULL, else what is wrong, in p */
const char *lb_member_template_rename(apr_pool_t *p, proxy_worker *worker,
                                      const lb_balancer_t *balancer, const char *url);

/** What is wrong with a member's URL that mod_proxy takes all the same.
 *  returns  NULL, or a sentence */
const char *lb_member_template_url_mistake(const char *url);

/** Give a struct the address of another one: name, scheme, host, port, socket. */
void lb_member_template_take_address(proxy_worker_shared *to, const proxy_worker_shared *from);

#endif
