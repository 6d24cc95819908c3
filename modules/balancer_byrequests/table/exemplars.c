/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* exemplars.c - see exemplars.h. */
#include "exemplars.h"

#include <stdbool.h>

#include "histogram.h"

enum { ID_DIGITS = 16 /* of half a trace id */ };

static uint64_t half_id(const char *digits)
{
    uint64_t half = 0;

    for (int i = 0; i < ID_DIGITS; i++) {
        const char c = digits[i];
        half = half << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return half;
}

/* Multiplied and folded (the multiplier is that of Fibonacci hashing), so that each bit of each
 * word counts. Of an exemplar that is all 0 it is not 0: there is none. */
static uint32_t check_of(const lb_exemplar_t *exemplar)
{
    const uint64_t words[] = { exemplar->trace[0], exemplar->trace[1], (uint64_t)exemplar->at,
                               (uint64_t)exemplar->took };
    uint64_t sum = 1;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        sum = (sum ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
        sum ^= sum >> 32;
    }
    return (uint32_t)sum;
}

void lb_exemplars_note(lb_exemplars_t *exemplars, lb_time_t time, int64_t took,
                       const lb_measures_t *measures)
{
    const lb_exemplar_t exemplar = { .at = measures->ended,
                                     .took = took,
                                     .trace = { half_id(measures->trace_id),
                                                half_id(measures->trace_id + ID_DIGITS) } };
    lb_exemplar_room_t *room = &exemplars->of[time][lb_histogram_bucket(took)];

    if ((uint64_t)took > UINT32_MAX) {
        return;
    }
    atomic_store_explicit(&room->trace[0], exemplar.trace[0], memory_order_relaxed);
    atomic_store_explicit(&room->trace[1], exemplar.trace[1], memory_order_relaxed);
    atomic_store_explicit(&room->at, exemplar.at, memory_order_relaxed);
    atomic_store_explicit(&room->took, (uint32_t)took, memory_order_relaxed);
    atomic_store_explicit(&room->check, check_of(&exemplar), memory_order_relaxed);
}

lb_exemplar_t lb_exemplars_get(const lb_exemplars_t *exemplars, lb_time_t time, int bucket)
{
    const lb_exemplar_room_t *room = &exemplars->of[time][bucket];
    const lb_exemplar_t exemplar = {
        .at = atomic_load_explicit(&room->at, memory_order_relaxed),
        .took = atomic_load_explicit(&room->took, memory_order_relaxed),
        .trace = { atomic_load_explicit(&room->trace[0], memory_order_relaxed),
                   atomic_load_explicit(&room->trace[1], memory_order_relaxed) },
    };
    const bool is_whole =
        atomic_load_explicit(&room->check, memory_order_relaxed) == check_of(&exemplar);

    return is_whole ? exemplar : (lb_exemplar_t){ 0 };
}
