/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* discovery_log.h - what the log says of sources and their members: one line a change.
 * Knows    that records may flap: the same is told a few times a minute, and no more.
 * Ignores  what follows from a change.
 * Memory   static, of the process that has the duty; what was told of a source, in its row.
 * Threads  one: that of the duty. */
#ifndef LB_DISCOVERY_LOG_H
#define LB_DISCOVERY_LOG_H

#include "member.h"
#include "resolver.h"

/** Of a member. */
void lb_discovery_log_added(const lb_balancer_t *balancer, const lb_source_t *source,
                            const char *url);
void lb_discovery_log_not_added(const lb_balancer_t *balancer, const lb_source_t *source,
                                const char *url, const char *why);
void lb_discovery_log_vanished(const lb_member_t *member);
void lb_discovery_log_returned(const lb_member_t *member);
void lb_discovery_log_placed(const lb_member_t *member, const lb_srv_place_t *place);

/** How it stands with the source behind this answer, when it stands otherwise than was told. */
void lb_discovery_log_source(const lb_balancer_t *balancer, const lb_source_t *source,
                             const lb_answer_t *answer);

/** It has dropped addresses.
 *  before   how many it had dropped before this answer: then it was told */
void lb_discovery_log_dropped(const lb_balancer_t *balancer, const lb_source_t *source,
                              uint32_t before);

#endif
