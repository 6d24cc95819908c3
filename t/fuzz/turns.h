/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* turns.h - decisions that an input takes itself: bytes from its front, asked for in turn.
 * Knows    the form: a byte n, of which four bits count, then n bytes.
 * Ignores  what is decided.
 * Memory   borrows the input; pieces are the caller's to free.   Threads: any. */
#ifndef FUZZ_TURNS_H
#define FUZZ_TURNS_H

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "span.h"

/* What libFuzzer and replay.c call. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All zero: nothing to decide with. */
typedef struct {
    fc_span_t bytes;
    size_t turn;
} fuzz_turns_t;

/** Take the bytes to decide with off the front of `in`; there may be none. */
static inline fuzz_turns_t fuzz_turns_take(fc_span_t *in)
{
    fuzz_turns_t turns = { { NULL, 0 }, 0 };
    if (in->bytes > 0) {
        size_t count = in->at[0] & 15;
        *in = fc_span_after(*in, 1);
        turns.bytes = fc_span(in->at, count < in->bytes ? count : in->bytes);
        *in = fc_span_after(*in, turns.bytes.bytes);
    }
    return turns;
}

/** The next decision; behind the last comes the first; 0 when there are none. */
static inline unsigned fuzz_turns_next(fuzz_turns_t *turns)
{
    return turns->bytes.bytes > 0 ? turns->bytes.at[turns->turn++ % turns->bytes.bytes] : 0;
}

/** The next piece, of 1 to 256 bytes, or all when there is nothing to decide with: a copy in memory
 *  of just its size, so that a sanitizer sees what reads behind it. */
static inline fc_span_t fuzz_turns_piece(fuzz_turns_t *turns, fc_span_t in)
{
    size_t bytes = turns->bytes.bytes > 0 ? 1 + fuzz_turns_next(turns) : in.bytes;
    if (bytes > in.bytes) {
        bytes = in.bytes;
    }
    unsigned char *copy = malloc(bytes > 0 ? bytes : 1);
    assert(copy != NULL);
    if (bytes > 0) {
        memcpy(copy, in.at, bytes);
    }
    return fc_span(copy, bytes);
}

static inline void fuzz_turns_free(fc_span_t piece)
{
    free((void *)(uintptr_t)piece.at);
}

#endif
