/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* discovery.h - what DNS says about a source becomes its members.
 * Knows    which addresses become members, that names must be unique in a balancer, what operators
 *          read of it in the log.
 * Ignores  the rules (discovery_rules.h), how slots change owners (membership.h), who asks
 *          (discovery_thread.c).
 * Memory   the source's row and its members' slots, in shared memory.
 * Threads  one of all processes: the one that has the duty. */
#ifndef LB_DISCOVERY_H
#define LB_DISCOVERY_H

#include "member.h"
#include "resolver.h"

/** What to ask for. */
lb_question_t lb_discovery_question(const lb_source_t *source);

/** Take an answer. Behind it the source's row says when to ask again.
 *  p        for what is needed meanwhile */
void lb_discovery_take(const lb_balancer_t *balancer, const lb_source_t *source,
                       const lb_answer_t *answer, apr_pool_t *p);

#endif
