/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* bell.h - one thread waits until others ring: a futex, in memory of one process or of several.
 * Memory   the caller's word, 0 at first; it counts the rings.   Threads: any, in any process. */
#ifndef FC_BELL_H
#define FC_BELL_H

#include <stdatomic.h>
#include <stdint.h>

typedef _Atomic uint32_t fc_bell_t;

/** Wake who waits. A system call: not to be called under a lock. */
void fc_bell_ring(fc_bell_t *bell);

/** Wait until it has rung more often than `heard`; for so many us at most, and perhaps not so
 *  long. */
void fc_bell_wait(fc_bell_t *bell, uint32_t heard, int64_t us);

#endif
