/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* other_method.h - lets another lbmethod (bybusyness, bytraffic, heartbeat) choose among members.
 * Knows    what those methods look at in mod_proxy's structs, and that they judge for themselves
 *          who is usable, and add to shared numbers without atomics.
 * Ignores  who may be elected: it gets exactly those.
 * Memory   the method works on a copy of the balancer with copies of these members, in a pool of
 *          its own; only lbstatus goes back.
 * Threads  the caller holds the balancer's global mutex. */
#ifndef LB_OTHER_METHOD_H
#define LB_OTHER_METHOD_H

#include <stddef.h>

#include "member.h"

/** Have the balancer's method choose.
 *  proxy     the balancer as the request's virtual host has it
 *  members   those who may be elected now
 *  returns   one of them, or none when the method wants none */
lb_member_t lb_other_method_elect(const proxy_balancer *proxy, const lb_member_t *members,
                                  size_t count, request_rec *r);

#endif
