/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* admission.h - who is let in at once, who waits in the queue and who is refused.
 * Knows    a member's limit, the election among those who have room, the places in the queue.
 * Ignores  why a member may be elected (lbmethod.c says so), whose turn it is of those who wait
 *          (serving.c), httpd, the clock: it is told `now`, in monotonic us.
 * Memory   the shared table.   Threads: any, in any number of processes.
 *
 * Invariants: in_flight never exceeds a limit by a request that was let in after the limit was set.
 * While anybody waits in a balancer, no newcomer is let in before: it queues, and whoever frees a
 * right serves the queue. So the order is one order over all processes: that of the queue. A
 * request that waits is served, or refused and told so, or leaves; it is never left. */
#ifndef LB_ADMISSION_H
#define LB_ADMISSION_H

#include "arena.h"
#include "balancer_outcome.h"
#include "ledger.h"

/** Does anybody wait for any member of this balancer? */
bool lb_admission_is_awaited(lb_table_t *t, uint32_t balancer);

/** Has this member room, and does no session wait for it? */
bool lb_admission_has_place(const lb_member_row_t *row);

/** Is neither of them in the way of a newcomer? */
bool lb_admission_is_free(lb_table_t *t, uint32_t balancer, uint32_t member);

/** Elect a contender of the first open turn in which any has room, and take a right on it.
 *  returns  its index in the arena, -1 when none has room or others wait already */
int lb_admission_elect(lb_ledger_t *ledger, const lb_arena_t *arena);

/** The same when the caller knows who they are: the first `count` of the arena's candidates.
 *  seen     their passes, as it has read them
 *  count    at least 1
 *  returns  -1 when it has to look again, or others wait already */
int lb_admission_elect_of(lb_ledger_t *ledger, const lb_arena_t *arena, const uint64_t *seen,
                          size_t count);

/** Take a right on a member that was chosen by other means.
 *  returns  false when it has no room, or others wait already */
bool lb_admission_take(lb_ledger_t *ledger, uint32_t balancer, uint32_t member, size_t *busy);

/* What a right was used for. */
typedef struct {
    int64_t took;         /* us that it was held */
    int64_t waited;       /* us in the queue before that */
    bool is_abandoned;    /* the client has gone meanwhile: it was too late, or PHP too slow */
} lb_use_t;

/** Give a right back.
 *  use      NULL: it was not used
 *  returns  does anybody wait now for what has become free? Then serve the queue (serving.h). */
bool lb_admission_give_back(lb_ledger_t *ledger, uint32_t balancer, uint32_t member, size_t *busy,
                            const lb_use_t *use, int64_t now);

/** The client of a request that is held on this member has gone, and the right is kept.
 *  waited   us in the queue; who had not waited does not tell how long others will
 *  held     us since then */
void lb_admission_note_gone(lb_table_t *t, uint32_t balancer, uint32_t member, int64_t waited,
                            int64_t held);

/** Wait in the queue. A full one gives the place of its least important to a more important one.
 *  request  since (now), priority, flow, patience, balancer, member (LB_NOBODY: any) and tried are
 *           read
 *  refusal  LB_QUEUE_FULL: as many wait as the members' queue_limit allows; LB_NO_TIME: it would
 *           wait longer than its patience; counted as lost when it is refused
 *  returns  a slot for lb_admission_end(), LB_NOBODY: refused */
uint32_t lb_admission_queue(lb_ledger_t *ledger, const lb_waiter_t *request,
                            const lb_arena_t *arena, lb_outcome_t *refusal);

/** Was this one served? */
bool lb_admission_is_granted(const lb_ledger_t *ledger, uint32_t slot);

/** Is its waiting over: was it served, or refused? */
bool lb_admission_is_decided(const lb_ledger_t *ledger, uint32_t slot);

/** Why it was refused: LB_SHED, somebody more important has its place; LB_QUEUE_TIMEOUT, it has
 *  waited for twice the target in a queue that stands.
 *  returns  LB_SERVED when it was not */
lb_outcome_t lb_admission_refusal(const lb_ledger_t *ledger, uint32_t slot);

/** With which member? LB_NOBODY when it was not. */
uint32_t lb_admission_granted(const lb_ledger_t *ledger, uint32_t slot);

/** Do not take the member that was granted, and wait on at the same place. Then serve.
 *  for_good   it is none of the caller's configuration (a process of another generation has served
 *             it): wait for the others; else it may be granted again */
void lb_admission_decline(lb_ledger_t *ledger, uint32_t slot, bool for_good);

/** A session would now take any member. */
void lb_admission_widen(lb_ledger_t *ledger, uint32_t slot);

/** End the waiting, served or not.
 *  why      if it was not: LB_CLIENT_ABORT, LB_QUEUE_TIMEOUT; LB_SERVED: it only waits no longer
 *  returns  the member on which a right is held now, LB_NOBODY when it was not served */
uint32_t lb_admission_end(lb_ledger_t *ledger, uint32_t slot, lb_outcome_t why, int64_t now);

/** May one more request of this balancer be sent again after it failed? See retry_budget.h. */
bool lb_admission_may_resend(lb_table_t *t, uint32_t balancer, int64_t now);

#endif
