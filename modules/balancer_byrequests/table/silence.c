/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* silence.c - see silence.h. */
#include "silence.h"

static int64_t load(const _Atomic int64_t *at)
{
    return atomic_load_explicit(at, memory_order_relaxed);
}

void lb_silence_note_asked(lb_member_row_t *row, int64_t now)
{
    if (load(&row->check.asked_since) <= load(&row->check.answered_at)) {
        atomic_store_explicit(&row->check.asked_since, now, memory_order_relaxed);
    }
}

void lb_silence_note_answered(lb_member_row_t *row, int64_t now)
{
    atomic_store_explicit(&row->check.answered_at, now, memory_order_relaxed);
}

bool lb_silence_was_broken(const lb_member_row_t *row, int64_t since)
{
    return load(&row->check.answered_at) >= since;
}

int64_t lb_silence_length(const lb_member_row_t *row, int64_t now)
{
    const int64_t since = load(&row->check.asked_since);
    return since > load(&row->check.answered_at) ? now - since : 0;
}
