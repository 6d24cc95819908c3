/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* election.c - see election.h. */
#include "election.h"

#include <limits.h>
#include <stdbool.h>

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

/* The best of those that were looked at. */
typedef struct {
    size_t index;
    uint64_t seen;     /* its pass */
    uint64_t start;    /* where it stands; at the clock, if that is ahead */
} choice_t;

static choice_t look_at(const lb_candidate_t *candidates, size_t i, uint64_t seen, uint64_t now)
{
    return (choice_t){ i, seen, later(standing(&candidates[i], seen), now) };
}

static bool is_better(choice_t a, choice_t b)
{
    return a.start < b.start || (a.start == b.start && a.seen < b.seen);
}

/* returns  false when its pass is another one by now */
static bool charge_choice(_Atomic uint64_t *clock, const lb_candidate_t *candidates,
                          choice_t choice)
{
    const lb_candidate_t *chosen = &candidates[choice.index];

    if (!atomic_compare_exchange_strong(chosen->pass, &choice.seen,
                                        choice.start + stride(chosen->weight))) {
        return false;
    }
    advance(clock, choice.start);
    return true;
}

int lb_election_elect(_Atomic uint64_t *clock, const lb_candidate_t *candidates, size_t count)
{
    choice_t best;

    if (count == 0) {
        return -1;
    }
    do {
        const uint64_t now = atomic_load(clock);
        best = look_at(candidates, 0, atomic_load(candidates[0].pass), now);
        for (size_t i = 1; i < count; i++) {
            const choice_t other = look_at(candidates, i, atomic_load(candidates[i].pass), now);
            best = is_better(other, best) ? other : best;
        }
    } while (!charge_choice(clock, candidates, best));
    return (int)best.index;
}

int lb_election_try(_Atomic uint64_t *clock, const lb_candidate_t *candidates,
                    const uint64_t *seen, size_t count)
{
    const uint64_t now = atomic_load(clock);
    choice_t best = look_at(candidates, 0, seen[0], now);

    for (size_t i = 1; i < count; i++) {
        const choice_t other = look_at(candidates, i, seen[i], now);
        best = is_better(other, best) ? other : best;
    }
    return charge_choice(clock, candidates, best) ? (int)best.index : -1;
}

void lb_election_charge(_Atomic uint64_t *clock, const lb_candidate_t *chosen)
{
    uint64_t seen = atomic_load(chosen->pass);
    uint64_t charged;

    do {
        charged = later(seen, atomic_load(clock)) + stride(chosen->weight);
    } while (!atomic_compare_exchange_weak(chosen->pass, &seen, charged));
}

void lb_election_follow(_Atomic uint64_t *clock, const lb_candidate_t *candidates, size_t count)
{
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
