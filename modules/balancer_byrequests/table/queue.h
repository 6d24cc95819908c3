/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* queue.h - who waits, in shared memory: by priority, fair among flows, and within a flow the first
 *           or the newest first.
 * Knows    waiter slots; one line for each balancer (any member will do) and one for each member
 *          (sessions that want only this one); lanes and rounds (fair_turn.h).
 * Ignores  who may be served, and whether the newest go first (serving.c), httpd.
 * Memory   slots, lines and lanes of the table.   Threads: all need the table's lock.
 *
 * Invariants: a slot that is LB_SLOT_WAITING stands in exactly one line and there in one lane, all
 * others in none. A lane in which somebody waits stands in the round that is served now or in the
 * next, and as long as anybody waits with a priority the round that is served has a lane. Without
 * flows there is one lane for a priority, and the order is that of arrival. The slots are the
 * truth: lanes, links, ends and counts follow from them, and lb_queue_rebuild() makes them again
 * after a process has died while it changed them.
 *
 * Whoever comes, is served, leaves or is shed costs a number of steps that does not depend on how
 * many wait. Only who comes back to its place looks for it from the end. */
#ifndef LB_QUEUE_H
#define LB_QUEUE_H

#include <stdbool.h>

#include "member_table.h"

/** Put a request behind all others of its priority and flow.
 *  request  sequence, lane and links are set here, the rest by the caller
 *  returns  index of its slot, LB_NOBODY when the table has no free one */
uint32_t lb_queue_add(lb_table_t *t, const lb_waiter_t *request);

/** The line in which it waits, or would. */
uint32_t lb_queue_line_of(const lb_table_t *t, const lb_waiter_t *w);

/** Whose turn it is in a line.
 *  old_before  of a flow whose oldest came before that (monotonic us) it is the newest, of all
 *              others the oldest
 *  returns     LB_NOBODY: nobody waits */
uint32_t lb_queue_first(lb_table_t *t, uint32_t line, int64_t old_before);
#define LB_NEVER_NEWEST  INT64_MIN
#define LB_ALWAYS_NEWEST INT64_MAX

/** Who is asked when that one cannot be served; LB_NOBODY: nobody else waits. */
uint32_t lb_queue_after(lb_table_t *t, uint32_t slot, int64_t old_before);

/** Do the newest go first where this one waits? */
bool lb_queue_is_newest_first(lb_table_t *t, uint32_t slot, int64_t old_before);

/** Is a to be served before b, of the same flow or of another line? */
bool lb_queue_is_before(const lb_waiter_t *a, const lb_waiter_t *b);

/** How many are served before a request that comes now. With other flows it may be more. */
uint64_t lb_queue_ahead(lb_table_t *t, const lb_waiter_t *request, bool newest_first);

/** How many wait in a line with this priority, or a smaller one. */
uint64_t lb_queue_count_up_to(lb_table_t *t, uint32_t line, uint32_t priority);

/** Who gives its place to somebody with this priority: of the least important the newest, in the
 *  longest of the lanes that would be served last.
 *  returns  LB_NOBODY: nobody is less important */
uint32_t lb_queue_least_below(lb_table_t *t, uint32_t line, uint32_t priority);

/** It got this member: out of its line; the slot stays with whoever waits. */
void lb_queue_grant(lb_table_t *t, uint32_t slot, uint32_t member);

/** It is refused: out of its line; the slot stays with whoever waits.
 *  state    LB_SLOT_SHED or LB_SLOT_LATE */
void lb_queue_refuse(lb_table_t *t, uint32_t slot, uint32_t state);

/** It does not take what it got: back to its place.
 *  for_good   it wants that member never again */
void lb_queue_take_back(lb_table_t *t, uint32_t slot, bool for_good);

/** It would now take any member; it keeps its place in the order. */
void lb_queue_widen(lb_table_t *t, uint32_t slot);

/** Free a slot, whatever it is. */
void lb_queue_remove(lb_table_t *t, uint32_t slot);

/** Free all slots of a process. */
void lb_queue_remove_all_of(lb_table_t *t, uint32_t process);

/** Make all lanes, links and counts again from the slots. */
void lb_queue_rebuild(lb_table_t *t);

/** The invariants as code. */
void lb_queue_check(lb_table_t *t);

#endif
