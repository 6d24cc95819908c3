/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_stamps.h - when, by this front's own clock, the engine has given a stamp.
 * Knows    that an answer with a stamp was made between its request and its arrival.
 * Ignores  the engine's clock: it has none that counts.
 * Memory   the caller's; fixed width, for shared memory.   Threads: one at a time. */
#ifndef LB_FLEET_STAMPS_H
#define LB_FLEET_STAMPS_H

#include <stdint.h>

#define LB_STAMPS_KEPT 64

/* All 0: no answer yet. */
typedef struct {
    uint32_t count;
    uint32_t reserved;
    struct {
        uint64_t stamp;               /* the last that the engine had given */
        int64_t sent, received;       /* monotonic us */
    } answers[LB_STAMPS_KEPT];        /* the oldest first */
} lb_stamps_t;

#define LB_STAMPS_UNKNOWN INT64_MIN
#define LB_STAMPS_TO_COME INT64_MAX

/** An answer has come.
 *  span   us that the past is to be known for; answers that are closer together make one */
void lb_stamps_note(lb_stamps_t *stamps, uint64_t stamp, int64_t sent, int64_t received,
                    int64_t span);

/** It was given no earlier than this; LB_STAMPS_UNKNOWN: that was too long ago to say. */
int64_t lb_stamps_not_before(const lb_stamps_t *stamps, uint64_t stamp);

/** It was given no later than this; LB_STAMPS_TO_COME: no answer has it yet. */
int64_t lb_stamps_not_after(const lb_stamps_t *stamps, uint64_t stamp);

#endif
