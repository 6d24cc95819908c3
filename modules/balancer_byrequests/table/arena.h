/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* arena.h - the members of a balancer that a request may get now, and an election among some.
 * Ignores  who they are (request/contenders.c says so), httpd: plain C11, a header alone.
 * Memory   the caller's; the candidates' passes are the table's.
 * Threads  one at a time for each. */
#ifndef LB_ARENA_H
#define LB_ARENA_H

#include "election.h"
#include "eligible.h"
#include "member_table.h"
#include "queue_order.h"

/* A member, and what it is good for now. */
typedef struct {
    uint32_t member;          /* index of its row */
    uint32_t weight;          /* hundredths, see election.h */
    uint32_t held_back;       /* of its share, see election.h */
    uint32_t turn;            /* see eligible.h; LB_NO_TURN: not to be elected */
    bool is_usable;           /* for its own sessions at least */
    bool is_trial;            /* only one request may try it; see health.h */
    size_t *busy;             /* see ledger.h */
} lb_contender_t;

typedef struct {
    uint32_t balancer;                /* index of its row */
    lb_contender_t *contenders;
    size_t count;
    uint32_t open;                    /* turns in which anybody may be served; the others are for
                                       * who has tried all of these */
    lb_queue_rule_t queue;            /* of this balancer */
    uint32_t places;                  /* in the queue, besides those of contenders */
    lb_candidate_t *candidates;       /* room for `count` of each, to work in */
    size_t *contender_of;
} lb_arena_t;

/** One candidate more.
 *  contender  index
 *  n          candidates before, and with it */
static inline void lb_arena_add(const lb_arena_t *arena, lb_member_row_t *row, size_t contender,
                                size_t *n)
{
    arena->candidates[*n] = (lb_candidate_t){
        .pass = &row->pass,
        .weight = arena->contenders[contender].weight,
        .held_back = arena->contenders[contender].held_back,
    };
    arena->contender_of[(*n)++] = contender;
}

/** Elect one of the first n candidates.
 *  n        at least 1
 *  returns  index of the contender */
static inline size_t lb_arena_elect(lb_table_t *t, const lb_arena_t *arena, size_t n)
{
    _Atomic uint64_t *clock = &lb_table_balancer(t, arena->balancer)->clock;
    return arena->contender_of[lb_election_elect(clock, arena->candidates, n)];
}

#endif
