/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* drain.h - draining until a time: no new sessions, its own go on, and then the member is out.
 * Knows    +N, +D and the shared deadline.
 * Ignores  which sessions are whose (session.c).
 * Memory   mod_proxy's shared status word; our member row.
 * Threads  any, in any number of processes. Nobody waits for the deadline: who looks at the members
 *          after it (an election, the manager) carries it out, and only one of them logs it. */
#ifndef LB_DRAIN_H
#define LB_DRAIN_H

#include "member.h"

/** A member that does not drain has no deadline. To be called before +N is set, so that an old
 *  deadline cannot end a new drain. */
void lb_drain_forget_old(const lb_member_t *member);

/** Set the deadline of a member that drains.
 *  deadline  us from now; 0: as long as it takes */
void lb_drain_set_deadline(const lb_member_t *member, apr_interval_time_t deadline);

/** Members whose deadline has passed are out: +N becomes +D. */
void lb_drain_end_due(const lb_balancer_t *balancer, server_rec *s);

/** Until when a member drains.
 *  returns  us since 1970; 0 when it does not drain, or has no deadline */
apr_time_t lb_drain_until(const lb_member_t *member);

/** Hook body: where a restart has ended a drain, its deadline ends, too. */
int lb_drain_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

#endif
