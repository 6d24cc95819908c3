/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* past.c - see past.h. */
#include "past.h"

#include "times.h"

static_assert(LB_RECENT_MARKS + 2 <= LB_MARKS, "one is being made, and one is to spare");
static_assert(LB_PAST_SAMPLES + 2 <= LB_SAMPLES, "likewise, and one before the first");

bool lb_past_is_due(lb_balancer_room_t *room, int64_t now)
{
    int64_t last = atomic_load(&room->sampled_at);

    /* a clock that was set back must not stop the samples */
    return (now >= last + LB_SAMPLE_US || now < last)
           && atomic_compare_exchange_strong(&room->sampled_at, &last, now);
}

/* ---- Marks ----------------------------------------------------------------------------------- */

static uint32_t requests_of(const lb_counters_t *counters)
{
    uint64_t sum = 0;

    for (int i = 0; i < LB_CLASSES; i++) {
        sum += atomic_load_explicit(&counters->responses[i], memory_order_relaxed);
    }
    return (uint32_t)sum;
}

static uint32_t first_byte_of(const lb_counters_t *counters, int bucket)
{
    return (uint32_t)atomic_load_explicit(&counters->first_byte.buckets[bucket],
                                          memory_order_relaxed);
}

/* What came between two values of a counter that wraps. It fell when the room was given to another
 * member meanwhile: then all there is came since. */
static uint64_t gained(uint32_t now, uint32_t then)
{
    const int32_t difference = (int32_t)(now - then);
    return difference >= 0 ? (uint64_t)difference : now;
}

static void add_gain(const lb_member_room_t *room, uint64_t failures, const lb_mark_t *since,
                     lb_gain_t *gain)
{
    gain->requests += gained(requests_of(&room->counters), atomic_load(&since->requests));
    gain->failures += gained((uint32_t)failures, atomic_load(&since->failures));
    for (int i = 0; i < LB_TIMES_BUCKETS; i++) {
        gain->first_byte[i] += gained(first_byte_of(&room->counters, i),
                                      atomic_load_explicit(&since->first_byte[i],
                                                           memory_order_relaxed));
    }
}

static void set_mark(lb_mark_t *mark, const lb_counters_t *counters, uint64_t failures)
{
    atomic_store_explicit(&mark->requests, requests_of(counters), memory_order_relaxed);
    atomic_store_explicit(&mark->failures, (uint32_t)failures, memory_order_relaxed);
    for (int i = 0; i < LB_TIMES_BUCKETS; i++) {
        atomic_store_explicit(&mark->first_byte[i], first_byte_of(counters, i),
                              memory_order_relaxed);
    }
}

void lb_past_mark(const lb_balancer_room_t *balancer, lb_member_room_t *room, uint64_t failures,
                  lb_gain_t *gain)
{
    const uint64_t n = atomic_load(&balancer->samples);

    if (n > 0) {
        add_gain(room, failures, &room->marks[(n - 1) % LB_MARKS], gain);
    }
    set_mark(&room->marks[n % LB_MARKS], &room->counters, failures);
}

void lb_past_level(lb_member_room_t *room, uint64_t failures)
{
    for (int i = 0; i < LB_MARKS; i++) {
        set_mark(&room->marks[i], &room->counters, failures);
    }
}

/* The oldest mark of the last minute; that of no sample when there is none yet. */
static uint64_t minute_ago(uint64_t samples)
{
    return samples > LB_RECENT_MARKS ? samples - LB_RECENT_MARKS : 0;
}

const lb_mark_t *lb_past_minute_ago(const lb_balancer_room_t *balancer,
                                    const lb_member_room_t *room)
{
    return &room->marks[minute_ago(atomic_load(&balancer->samples)) % LB_MARKS];
}

int64_t lb_past_gain_lately(const lb_balancer_room_t *balancer, const lb_member_room_t *room,
                            uint64_t failures, int64_t now, lb_gain_t *gain)
{
    const uint64_t made = atomic_load(&balancer->samples);

    if (made == 0) {
        return 0;
    }
    const uint64_t n = minute_ago(made);
    add_gain(room, failures, &room->marks[n % LB_MARKS], gain);
    const int64_t took = now - atomic_load(&balancer->ring[n % LB_SAMPLES].at);
    return took > 0 ? took : 0;
}

void lb_past_add_gain(lb_gain_t *gain, const lb_gain_t *more)
{
    gain->requests += more->requests;
    gain->failures += more->failures;
    for (int i = 0; i < LB_TIMES_BUCKETS; i++) {
        gain->first_byte[i] += more->first_byte[i];
    }
}

static double per_second(uint64_t count, int64_t us)
{
    return us > 0 ? (double)count * 1e6 / (double)us : 0;
}

lb_recent_t lb_past_recent(const lb_gain_t *gain, int64_t took)
{
    took = took > LB_RECENT_LEAST_US ? took : LB_RECENT_LEAST_US;
    return (lb_recent_t){
        .requests = per_second(gain->requests, took),
        .failures = per_second(gain->failures, took),
        .p50 = lb_times_percentile(gain->first_byte, 50),
        .p95 = lb_times_percentile(gain->first_byte, 95),
        .p99 = lb_times_percentile(gain->first_byte, 99),
    };
}

/* ---- Samples --------------------------------------------------------------------------------- */

void lb_past_add_sample(lb_balancer_room_t *room, int64_t now, const lb_gain_t *gain,
                        uint32_t in_flight, uint32_t queued)
{
    const uint64_t n = atomic_load(&room->samples);
    lb_sample_room_t *sample = &room->ring[n % LB_SAMPLES];

    atomic_store(&sample->at, now);
    atomic_store(&sample->requests, (uint32_t)gain->requests);
    atomic_store(&sample->failures, (uint32_t)gain->failures);
    atomic_store(&sample->in_flight, in_flight);
    atomic_store(&sample->queued, queued);
    atomic_store(&sample->p50, (int32_t)lb_times_percentile(gain->first_byte, 50));
    atomic_store(&sample->p95, (int32_t)lb_times_percentile(gain->first_byte, 95));
    atomic_store(&room->samples, n + 1);
}

int lb_past_copy(const lb_balancer_room_t *room, lb_sample_t *samples)
{
    const uint64_t made = atomic_load(&room->samples);
    int count = 0;

    /* the first of all only says when the second begins */
    for (uint64_t n = made > LB_PAST_SAMPLES + 1 ? made - LB_PAST_SAMPLES : 1; n < made; n++) {
        const lb_sample_room_t *from = &room->ring[n % LB_SAMPLES];
        const int64_t at = atomic_load(&from->at);
        const int64_t took = at - atomic_load(&room->ring[(n - 1) % LB_SAMPLES].at);
        samples[count++] = (lb_sample_t){
            .at = at,
            .requests = per_second(atomic_load(&from->requests), took),
            .failures = per_second(atomic_load(&from->failures), took),
            .in_flight = atomic_load(&from->in_flight),
            .queued = atomic_load(&from->queued),
            .p50 = atomic_load(&from->p50),
            .p95 = atomic_load(&from->p95),
        };
    }
    return count;
}
