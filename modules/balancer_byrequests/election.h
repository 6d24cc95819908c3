/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* election.h - weighted stride election over shared atomic counters.
 * Knows    passes, weights, and a clock that only goes forward.
 * Ignores  members, httpd, who may be elected (eligible.c decides that).
 * Memory   works on the caller's counters, keeps nothing.
 * Threads  any, in any number of processes, without a lock.
 *
 * Invariants: a pass never falls. The clock is the largest pass that ever won, so no candidate that
 * took part without a break is behind it; one that is behind was away, and starts at the clock
 * instead of catching up (no flood). All other passes only grow, so a compare-and-swap that
 * succeeds on the smallest pass proves that the choice was still right: the shares are exact
 * over all processes, to within one round. */
#ifndef LB_ELECTION_H
#define LB_ELECTION_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* The pass of a member of weight 1 grows by this for each request. Divisible by 1 to 16, so the
 * strides of all small whole weights are exact. */
#define LB_STRIDE 720720u

typedef struct {
    _Atomic uint64_t *pass;
    uint32_t weight;           /* hundredths: 100 to 10000 */
} lb_candidate_t;

/** Elect one of the candidates and charge it for one request. Ties go to the lower index.
 *  returns  its index, -1 when count is 0 */
int lb_election_elect(_Atomic uint64_t *clock, const lb_candidate_t *candidates, size_t count);

/** Charge a member that was chosen by other means (a session route) for one request. */
void lb_election_charge(_Atomic uint64_t *clock, const lb_candidate_t *chosen);

/** What a member is owed, in hundredths of a request: positive when it is behind the clock,
 *  negative when it has had more than its share so far. */
int lb_election_credit(_Atomic uint64_t *clock, const lb_candidate_t *member);

#endif
