/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* tournament.h - the smallest of many numbers that change one at a time (a tournament tree).
 * Knows    a binary tree in which each node has the smaller number of the two below it.
 * Ignores  what the numbers are.
 * Memory   the caller's.   Threads: one at a time. */
#ifndef LB_TOURNAMENT_H
#define LB_TOURNAMENT_H

#include <stddef.h>
#include <stdint.h>

#define LB_ABSENT  UINT64_MAX    /* a number that takes no part */
#define LB_NO_ONE  SIZE_MAX

typedef struct {
    size_t leaves;         /* a power of 2 */
    uint64_t *smallest;    /* [1] is the root, [2 * n] and [2 * n + 1] are below [n] */
} lb_tournament_t;

/** Bytes of memory for so many numbers. */
size_t lb_tournament_bytes(size_t count);

/** Begin with `count` numbers that are all absent.
 *  memory   lb_tournament_bytes(), aligned for a uint64_t */
lb_tournament_t lb_tournament_begin(void *memory, size_t count);

/** Number i is this one now. Takes log2(count) steps at most. */
void lb_tournament_set(lb_tournament_t *t, size_t i, uint64_t number);

static inline uint64_t lb_tournament_number(const lb_tournament_t *t, size_t i)
{
    return t->smallest[t->leaves + i];
}

/** Which number is the smallest? Of equal ones, the first.
 *  returns  LB_NO_ONE when all are absent */
size_t lb_tournament_first(const lb_tournament_t *t);

#endif
