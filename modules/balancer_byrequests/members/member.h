/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member.h - one member of a balancer, found once and passed on.
 * Knows    mod_proxy's worker arrays, which grow while they are read; who sits in which slot
 *          (roster.h).
 * Ignores  its state (member_state.h, health.h), its parameters (member_config.h).
 * Memory   a value of the caller's. What it points to lasts as long as the process: also when the
 *          member was removed, its worker stays, and its slot keeps its row.
 * Threads  any. A member may be removed while a caller looks at it: only lb_member_is_admitted()
 *          after its ticket was counted says that its slot is nobody else's. */
#ifndef LB_MEMBER_H
#define LB_MEMBER_H

#include "balancer.h"

typedef struct {
    const lb_balancer_t *balancer;
    proxy_worker *worker;             /* NULL: it stands for none */
    lb_member_row_t *row;             /* of its slot */
} lb_member_t;

/** Are they one and the same? Two that stand for none are. */
static inline bool lb_member_is(const lb_member_t *member, const lb_member_t *other)
{
    return member->worker == other->worker;
}

/** The member that a worker of this balancer stands for. */
lb_member_t lb_member_of(const lb_balancer_t *balancer, proxy_worker *worker);

/** One member after the other. Who is just being added, and who was removed, is left out.
 *  at       an index into the worker array: 0 at first, then left to this function
 *  member   written when there is one
 *  returns  false when there are no more */
bool lb_member_next(const lb_balancer_t *balancer, int *at, lb_member_t *member);

/** The member that has this row.
 *  index    of the row in the table
 *  returns  none when it is not one of this balancer */
lb_member_t lb_member_at(const lb_balancer_t *balancer, uint32_t index);

/** The index of its row in the table. */
uint32_t lb_member_index(const lb_member_t *member);

/** May it still take requests? Ask after the ticket was counted: from a true on, its slot is nobody
 *  else's until the ticket is given back. */
bool lb_member_is_admitted(const lb_member_t *member);

/** Is it, for this process, still a member? For what is done after its ticket was given back. */
bool lb_member_is_listed(const lb_member_t *member);

/** What elections depend on was changed: its state, weight, set. Said afterwards; see slate.h. */
void lb_member_note_change(const lb_member_t *member);

/** Change its status word, see status_word.h, and note that.
 *  returns  the word as it was before */
unsigned int lb_member_change_status(const lb_member_t *member, unsigned int set,
                                     unsigned int cleared);

/** Does it wait for its last requests, to be removed? */
bool lb_member_leaves(const lb_member_t *member);

/** As the configuration has it; NULL: it came at run time. */
const lb_configured_t *lb_member_configured(const lb_member_t *member);

/** Where a discovered member comes from; NULL: it is none. */
const lb_source_t *lb_member_source(const lb_member_t *member);

/** Its slot. */
lb_slot_t *lb_member_slot(const lb_member_t *member);

#endif
