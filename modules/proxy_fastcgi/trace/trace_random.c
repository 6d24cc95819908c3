/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* trace_random.c - see trace_random.h. */
#include "trace_random.h"

#include "apr_general.h"
#include "clock.h"

typedef struct {
    uint64_t state[4];
    unsigned generation;    /* in which it was seeded; 0: never */
} generator_t;

static _Thread_local generator_t own;
static unsigned generation = 1;    /* changes before a process has threads */

static uint64_t rotated(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static void seed(generator_t *g)
{
    if (apr_generate_random_bytes((unsigned char *)g->state, sizeof(g->state)) != APR_SUCCESS) {
        g->state[0] ^= (uint64_t)fc_now();    /* better than nothing: the ids are no secrets */
        g->state[1] ^= (uint64_t)(uintptr_t)g;
    }
    g->state[3] |= 1;    /* all zeros would stay zeros */
    g->generation = generation;
}

static uint64_t next(uint64_t s[4])
{
    const uint64_t result = rotated(s[0] + s[3], 23) + s[0];
    const uint64_t moved = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= moved;
    s[3] = rotated(s[3], 45);
    return result;
}

void fcgi_trace_random(uint64_t *numbers, size_t count)
{
    generator_t *g = &own;

    if (g->generation != generation) {
        seed(g);
    }
    for (size_t i = 0; i < count; i++) {
        numbers[i] = next(g->state);
    }
}

void fcgi_trace_random_fork(void)
{
    generation++;
}
