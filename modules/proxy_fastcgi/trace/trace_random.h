/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* trace_random.h - random bits for the ids of traces and spans: no secrets, but no two alike.
 * Knows    xoshiro256++ (Blackman and Vigna), seeded once for each thread by the system.
 * Ignores  ids.
 * Memory   32 bytes for each thread.   Threads: any, each has a generator of its own. */
#ifndef FCGI_TRACE_RANDOM_H
#define FCGI_TRACE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/** Draw so many numbers of 64 random bits. */
void fcgi_trace_random(uint64_t *numbers, size_t count);

/** This process has just been forked: what its parent has drawn is not drawn again. */
void fcgi_trace_random_fork(void);

#endif
