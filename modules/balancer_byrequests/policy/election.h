/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* election.h - weighted stride election over shared atomic counters.
 * Knows    passes, weights, shares that are held back, and a clock that only goes forward.
 * Ignores  members, httpd, who may be elected (eligible.c decides that).
 * Memory   works on the caller's counters, keeps nothing.
 * Threads  any, in any number of processes, without a lock.
 *
 * Invariants: a pass never falls, and the clock only goes forward. The clock is never ahead of the
 * smallest pass of those who take part, so whoever is behind it was away, and starts at the clock
 * instead of catching up (no flood). All other passes only grow, so a compare-and-swap that
 * succeeds on the smallest pass proves that the choice was still right: the shares are exact
 * over all processes, to within one round.
 *
 * A member whose share is held back stands so much further behind its pass that it gets what is
 * left of its share. The distance is no part of the pass: it is taken anew at each look, so it
 * shrinks at once when more of the share is given, and is gone when all is. */
#ifndef LB_ELECTION_H
#define LB_ELECTION_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* The pass of a member of weight 1 grows by this for each request. Divisible by 1 to 16, so the
 * strides of all small whole weights are exact; a stride that is rounded (weight 100, say) costs at
 * most one election in 28,000. */
#define LB_STRIDE 720720u

typedef struct {
    _Atomic uint64_t *pass;
    uint32_t weight;           /* hundredths: 100 to 10000 */
    uint32_t held_back;        /* of its share: see slow_start.h; 0 when it has all */
} lb_candidate_t;

/** Elect one of the candidates and charge it for one request. Ties go to the smaller pass (of two
 *  who were away, to the one that waits longer), then to the lower index.
 *  returns  its index, -1 when count is 0 */
int lb_election_elect(_Atomic uint64_t *clock, const lb_candidate_t *candidates, size_t count);

/** The same among candidates whose passes were read before, in one try.
 *  seen     by candidate
 *  count    at least 1
 *  returns  -1: the pass of the best one is another one by now */
int lb_election_try(_Atomic uint64_t *clock, const lb_candidate_t *candidates,
                    const uint64_t *seen, size_t count);

/** Charge a member that was chosen by other means (a session route) for one request. Then let the
 *  clock follow. */
void lb_election_charge(_Atomic uint64_t *clock, const lb_candidate_t *chosen);

/** Let the clock follow those who could have been elected: whoever comes back while all requests
 *  have routes would find an old one. */
void lb_election_follow(_Atomic uint64_t *clock, const lb_candidate_t *candidates, size_t count);

/** How far a member is from its turn.
 *  returns  hundredths of a request that it has had ahead, negative; 0: its turn has come */
int lb_election_credit(_Atomic uint64_t *clock, const lb_candidate_t *member);

#endif
