/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* tournament.c - see tournament.h. */
#include "tournament.h"

#include <string.h>

static size_t leaves_for(size_t count)
{
    size_t leaves = 1;

    while (leaves < count) {
        leaves *= 2;
    }
    return leaves;
}

size_t lb_tournament_bytes(size_t count)
{
    return 2 * leaves_for(count) * sizeof(uint64_t);
}

lb_tournament_t lb_tournament_begin(void *memory, size_t count)
{
    memset(memory, 0xff, lb_tournament_bytes(count));    /* LB_ABSENT */
    return (lb_tournament_t){ leaves_for(count), memory };
}

void lb_tournament_set(lb_tournament_t *t, size_t i, uint64_t number)
{
    size_t at = t->leaves + i;

    t->smallest[at] = number;
    while (at > 1) {
        const uint64_t other = t->smallest[at ^ 1];
        const uint64_t winner = t->smallest[at] < other ? t->smallest[at] : other;
        at /= 2;
        if (t->smallest[at] == winner) {
            return;
        }
        t->smallest[at] = winner;
    }
}

size_t lb_tournament_first(const lb_tournament_t *t)
{
    const uint64_t winner = t->smallest[1];
    size_t at = 1;

    if (winner == LB_ABSENT) {
        return LB_NO_ONE;
    }
    while (at < t->leaves) {
        at = 2 * at + (t->smallest[2 * at] != winner);
    }
    return at - t->leaves;
}
