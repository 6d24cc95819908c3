/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* controlled_delay.h - does a queue stand, or does it only take up a burst?
 * Knows    for how long its oldest has waited longer than a target (RFC 8289, "CoDel"), and how
 *          many left it without being served.
 * Ignores  who waits, and what follows from it.
 * Memory   the caller's.   Threads: one at a time.
 *
 * A burst is over when the oldest has waited less than the target at any moment of an interval,
 * which is as long as the target. A queue of clients that each wait for their answer before they
 * ask again (closed loop) may be longer for ever, and serves everybody in turn: it takes more than
 * that to say that it stands, unless the administrator has said which target is to be kept. A queue
 * that loses more than one request in LB_LOSS_SHARE gets more than can be served in time; in one
 * that loses fewer, whoever waits is served.
 *
 * No server knows how long its clients wait, but it sees them go: those who wait half as long as
 * the ones that went are old. Nobody is refused for that, but for waiting twice the target. */
#ifndef LB_CONTROLLED_DELAY_H
#define LB_CONTROLLED_DELAY_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "queue_order.h"

#define LB_LOSS_SHARE 20
#define LB_LOSS_LEAST 2      /* a client that closes its browser is no overload */
#define LB_HOLD_FIRST 2      /* intervals */
#define LB_HOLD_MAX   16

/* Part of the shared table's format. Writer of all: lock. */
typedef struct {
    int64_t until;           /* monotonic us: the end of the interval */
    int64_t over_since;      /* monotonic us: since then the oldest has waited longer than the
                              * target at each look; 0: it has not */
    uint32_t served, lost;   /* in the interval */
    uint32_t served_before, lost_before;    /* in the one before */
    uint32_t stands;         /* 1: it does */
    uint32_t patience_us;    /* how long those had waited who went, a running mean; 0: nobody has */
    uint32_t hold, held;     /* intervals that it stands without a sign; so many are left */
} lb_delay_t;
static_assert(sizeof(lb_delay_t) == 48, "fixed width");

/** Look at the queue, whenever somebody comes or may be served.
 *  waited   us that its oldest has waited; 0: nobody waits
 *  now      monotonic us */
void lb_delay_look(lb_delay_t *delay, const lb_queue_rule_t *rule, int64_t waited, int64_t now);

/** It was served; it was refused; its client has gone after so many us. A refusal says that too
 *  many come only as long as all are served in turn: where the newest go first it is those that are
 *  passed over who are refused. */
void lb_delay_count_served(lb_delay_t *delay);
void lb_delay_count_refused(lb_delay_t *delay);
void lb_delay_count_gone(lb_delay_t *delay, int64_t waited);

/** Whose oldest came before that is served newest first; INT64_MIN: nobody. */
int64_t lb_delay_old_before(const lb_delay_t *delay, const lb_queue_rule_t *rule, int64_t now);

/** Has somebody waited too long to be served while others come?
 *  waited   us */
bool lb_delay_is_too_late(const lb_delay_t *delay, const lb_queue_rule_t *rule, int64_t waited);

#endif
