/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* history.c - see history.h. */
#include "history.h"

#include <string.h>

void lb_history_begin(lb_history_t *history)
{
    atomic_store(&history->first, atomic_load(&history->count));
}

/* FNV-1a by words. */
static uint64_t seal_of(uint64_t n, const uint64_t *words)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ n;

    for (int i = 0; i < LB_HISTORY_WORDS; i++) {
        h = (h ^ words[i]) * UINT64_C(0x100000001b3);
    }
    return h;
}

void lb_history_add(lb_history_t *history, const lb_history_entry_t *entry)
{
    const uint64_t n = atomic_fetch_add(&history->count, 1);
    lb_history_place_t *place = &history->places[n % LB_HISTORY_PLACES];
    uint64_t words[LB_HISTORY_WORDS];

    memcpy(words, entry, sizeof(words));
    for (int i = 0; i < LB_HISTORY_WORDS; i++) {
        atomic_store_explicit(&place->words[i], words[i], memory_order_relaxed);
    }
    atomic_store_explicit(&place->seal, seal_of(n, words), memory_order_release);
}

/* returns  false when it is not whole */
static bool copy(const lb_history_place_t *place, uint64_t n, lb_history_entry_t *entry)
{
    const uint64_t seal = atomic_load_explicit(&place->seal, memory_order_acquire);
    uint64_t words[LB_HISTORY_WORDS];

    for (int i = 0; i < LB_HISTORY_WORDS; i++) {
        words[i] = atomic_load_explicit(&place->words[i], memory_order_relaxed);
    }
    memcpy(entry, words, sizeof(*entry));
    return seal_of(n, words) == seal;
}

bool lb_history_is_empty(const lb_history_t *history)
{
    return atomic_load(&history->count) == atomic_load(&history->first);
}

int lb_history_copy(const lb_history_t *history, lb_history_entry_t *entries)
{
    const uint64_t end = atomic_load(&history->count), first = atomic_load(&history->first);
    const uint64_t kept = end > LB_HISTORY_PLACES ? end - LB_HISTORY_PLACES : 0;
    int count = 0;

    for (uint64_t n = end; n > first && n > kept; n--) {
        count += copy(&history->places[(n - 1) % LB_HISTORY_PLACES], n - 1, &entries[count]);
    }
    return count;
}
