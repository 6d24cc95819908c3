/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* drain.h - draining until a time: no new sessions, its own go on, and then the member is out.
 * Knows    +N, +D and the shared deadline.
 * Ignores  which sessions are whose (session.c).
 * Memory   mod_proxy's shared status word; our member row.
 * Threads  any, in any number of processes. Nobody waits for the deadline: who looks at the members
 *          after it (an election, the manager) carries it out, and only one of them logs it. */
#ifndef LB_DRAIN_H
#define LB_DRAIN_H

#include "mod_balancer_byrequests.h"

/** The longest time to drain: 30 days, in us. */
#define LB_DRAIN_MAX apr_time_from_sec(30 * 86400)

/** A member that does not drain has no deadline. To be called before +N is set, so that an old
 *  deadline cannot end a new drain. */
void lb_drain_forget_old(const proxy_balancer *b, const proxy_worker *member);

/** An operator's action has set the flags of a member: set its deadline.
 *  deadline  us from now; 0: as long as it takes; -1: as it is */
void lb_drain_set_deadline(const proxy_balancer *b, const proxy_worker *member,
                           apr_interval_time_t deadline);

/** A member whose deadline has passed is out: +N becomes +D. Of one member, and of all. */
void lb_drain_end_if_due(const proxy_balancer *b, proxy_worker *member, server_rec *s);
void lb_drain_end_due(const proxy_balancer *b, server_rec *s);

/** Until when a member drains.
 *  returns  us since 1970; 0 when it does not drain, or has no deadline */
apr_time_t lb_drain_until(const proxy_balancer *b, const proxy_worker *member);

/** Hook body: where a restart has ended a drain, its deadline ends, too. */
int lb_drain_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

#endif
