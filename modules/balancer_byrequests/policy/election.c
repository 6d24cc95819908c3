/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* election.c - see election.h. */
#include "election.h"

#include <limits.h>

#include "slow_start.h"

static uint64_t stride(uint32_t weight)
{
    return (uint64_t)LB_STRIDE * 100 / weight;
}

/* Where a member with this pass stands. */
static uint64_t standing(const lb_candidate_t *member, uint64_t pass)
{
    return member->held_back == 0 ? pass
                                  : pass
                                        + stride(member->weight) * member->held_back
                                              / (LB_FULL_SHARE - member->held_back);
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void advance(_Atomic uint64_t *clock, uint64_t to)
{
    uint64_t now = atomic_load(clock);
    while (now < to && !atomic_compare_exchange_weak(clock, &now, to)) {
        /* now was read again by the failed exchange */
    }
}

int lb_election_elect(_Atomic uint64_t *clock, const lb_candidate_t *candidates, size_t count)
{
    if (count == 0) {
        return -1;
    }
    for (;;) {
        const uint64_t now = atomic_load(clock);
        size_t best = 0;
        uint64_t best_seen = atomic_load(candidates[0].pass);
        uint64_t best_start = later(standing(&candidates[0], best_seen), now);

        for (size_t i = 1; i < count; i++) {
            const uint64_t seen = atomic_load(candidates[i].pass);
            const uint64_t start = later(standing(&candidates[i], seen), now);
            if (start < best_start || (start == best_start && seen < best_seen)) {
                best = i;
                best_seen = seen;
                best_start = start;
            }
        }
        if (atomic_compare_exchange_strong(candidates[best].pass, &best_seen,
                                           best_start + stride(candidates[best].weight))) {
            advance(clock, best_start);
            return (int)best;
        }
    }
}

void lb_election_charge(_Atomic uint64_t *clock, const lb_candidate_t *candidates, size_t count,
                        const lb_candidate_t *chosen)
{
    uint64_t seen = atomic_load(chosen->pass);
    uint64_t charged;
    do {
        charged = later(seen, atomic_load(clock)) + stride(chosen->weight);
    } while (!atomic_compare_exchange_weak(chosen->pass, &seen, charged));

    /* Without this, whoever comes back while all requests have routes would find an old clock. */
    uint64_t smallest = count > 0 ? UINT64_MAX : 0;
    for (size_t i = 0; i < count; i++) {
        const uint64_t pass = standing(&candidates[i], atomic_load(candidates[i].pass));
        smallest = pass < smallest ? pass : smallest;
    }
    advance(clock, smallest);
}

int lb_election_credit(_Atomic uint64_t *clock, const lb_candidate_t *member)
{
    const uint64_t now = atomic_load(clock);
    const uint64_t pass = later(standing(member, atomic_load(member->pass)), now);
    const uint64_t requests_ahead = (pass - now) / stride(member->weight);
    const uint64_t part = (pass - now) % stride(member->weight) * 100 / stride(member->weight);

    return requests_ahead > INT_MAX / 100 - 1 ? -INT_MAX : -(int)(requests_ahead * 100 + part);
}
