/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* queue.h - who waits: lists of waiters in shared memory, first in, first out within a priority.
 * Knows    waiter slots; one list for each balancer (any member will do) and one for each member
 *          (sessions that want only this one).
 * Ignores  who may be served (admission.c), httpd.
 * Memory   slots of the table.   Threads: all need the table's lock.
 *
 * Invariants: a slot that is LB_SLOT_WAITING stands in exactly one list, all others in none. The
 * slots are the truth: links, ends and counts follow from them, and lb_queue_rebuild() makes them
 * again after a process has died while it changed them. */
#ifndef LB_QUEUE_H
#define LB_QUEUE_H

#include <stdbool.h>

#include "member_table.h"

/** Put a request behind all others of its priority.
 *  request  sequence and links are set here, the rest by the caller
 *  returns  index of its slot, LB_NOBODY when the table has no free one */
uint32_t lb_queue_add(lb_table_t *t, const lb_waiter_t *request);

/** The first of those who wait for any member (LB_NOBODY: nobody), and of a member's own. */
uint32_t lb_queue_first(lb_table_t *t, uint32_t balancer);
uint32_t lb_queue_first_of_member(lb_table_t *t, uint32_t member);

/** Is a to be served before b? */
bool lb_queue_is_before(const lb_waiter_t *a, const lb_waiter_t *b);

/** It got this member: out of its list; the slot stays with whoever waits. */
void lb_queue_grant(lb_table_t *t, uint32_t slot, uint32_t member);

/** It does not take what it got: back to its place.
 *  for_good   it wants that member never again */
void lb_queue_take_back(lb_table_t *t, uint32_t slot, bool for_good);

/** It would now take any member; it keeps its place in the order. */
void lb_queue_widen(lb_table_t *t, uint32_t slot);

/** Free a slot, waiting or granted. */
void lb_queue_remove(lb_table_t *t, uint32_t slot);

/** Free all slots of a process. */
void lb_queue_remove_all_of(lb_table_t *t, uint32_t process);

/** Make all links and counts again from the slots. */
void lb_queue_rebuild(lb_table_t *t);

/** The invariants as code. */
void lb_queue_check(lb_table_t *t);

#endif
