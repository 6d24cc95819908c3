/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* samples.c - see samples.h. */
#include "samples.h"

static_assert(LB_RECENT_MARKS + 2 <= LB_MARKS, "one is being made, and one is to spare");
static_assert(LB_PAST_SAMPLES + 2 <= LB_SAMPLES, "likewise, and one before the first");

bool lb_samples_is_due(lb_balancer_room_t *room, int64_t now)
{
    int64_t last = atomic_load(&room->sampled_at);

    /* a clock that was set back must not stop the samples */
    return (now >= last + LB_SAMPLE_US || now < last)
           && atomic_compare_exchange_strong(&room->sampled_at, &last, now);
}

/* ---- Marks ----------------------------------------------------------------------------------- */

static uint32_t get(const _Atomic uint32_t *count)
{
    return atomic_load_explicit(count, memory_order_relaxed);
}

static uint64_t sum_of(const lb_mark_t *mark)
{
    return atomic_load_explicit(&mark->first_byte_us, memory_order_relaxed);
}

/* What came between two values of a count that wraps. It fell when the room was given to another
 * member meanwhile: then all there is came since. */
static uint64_t gained(uint32_t now, uint32_t then)
{
    const int32_t difference = (int32_t)(now - then);
    return difference >= 0 ? (uint64_t)difference : now;
}

static uint64_t gained_time(uint64_t now, uint64_t then)
{
    const int64_t difference = (int64_t)(now - then);
    return difference >= 0 ? (uint64_t)difference : now;
}

static void add_gain(const lb_mark_t *now, const lb_mark_t *since, lb_gain_t *gain)
{
    const uint64_t requests = gained(get(&now->requests), get(&since->requests));

    if (requests == 0) {    /* of thousands of members most are idle */
        return;
    }
    gain->requests += requests;
    gain->failures += gained(get(&now->failures), get(&since->failures));
    gain->server_errors += gained(get(&now->server_errors), get(&since->server_errors));
    gain->first_byte_us += gained_time(sum_of(now), sum_of(since));
    for (int i = 0; i < LB_FINE_BUCKETS; i++) {
        gain->first_byte[i] += gained(get(&now->first_byte[i]), get(&since->first_byte[i]));
    }
}

static void set_mark(lb_mark_t *mark, const lb_mark_t *now)
{
    atomic_store_explicit(&mark->requests, get(&now->requests), memory_order_relaxed);
    atomic_store_explicit(&mark->failures, get(&now->failures), memory_order_relaxed);
    atomic_store_explicit(&mark->server_errors, get(&now->server_errors), memory_order_relaxed);
    atomic_store_explicit(&mark->first_byte_us, sum_of(now), memory_order_relaxed);
    for (int i = 0; i < LB_FINE_BUCKETS; i++) {
        atomic_store_explicit(&mark->first_byte[i], get(&now->first_byte[i]),
                              memory_order_relaxed);
    }
}

void lb_samples_mark(const lb_balancer_room_t *balancer, lb_member_room_t *room, lb_gain_t *gain)
{
    const uint64_t n = atomic_load(&balancer->samples);

    if (n > 0) {
        add_gain(&room->now, &room->marks[(n - 1) % LB_MARKS], gain);
    }
    set_mark(&room->marks[n % LB_MARKS], &room->now);
}

void lb_samples_level(lb_member_room_t *room)
{
    for (int i = 0; i < LB_MARKS; i++) {
        set_mark(&room->marks[i], &room->now);
    }
}

/* The oldest mark of the last minute; that of no sample when there is none yet. */
static uint64_t minute_ago(uint64_t samples)
{
    return samples > LB_RECENT_MARKS ? samples - LB_RECENT_MARKS : 0;
}

const lb_mark_t *lb_samples_minute_ago(const lb_balancer_room_t *balancer,
                                       const lb_member_room_t *room)
{
    return &room->marks[minute_ago(atomic_load(&balancer->samples)) % LB_MARKS];
}

int64_t lb_samples_gain_lately(const lb_balancer_room_t *balancer, const lb_member_room_t *room,
                               int64_t now, lb_gain_t *gain)
{
    const uint64_t made = atomic_load(&balancer->samples);

    if (made == 0) {
        return 0;
    }
    const uint64_t n = minute_ago(made);
    add_gain(&room->now, &room->marks[n % LB_MARKS], gain);
    const int64_t took = now - atomic_load(&balancer->ring[n % LB_SAMPLES].at);
    return took > 0 ? took : 0;
}

void lb_samples_add_gain(lb_gain_t *gain, const lb_gain_t *more)
{
    if (more->requests == 0) {
        return;
    }
    gain->requests += more->requests;
    gain->failures += more->failures;
    gain->server_errors += more->server_errors;
    gain->first_byte_us += more->first_byte_us;
    for (int i = 0; i < LB_FINE_BUCKETS; i++) {
        gain->first_byte[i] += more->first_byte[i];
    }
}

static double per_second(uint64_t count, int64_t us)
{
    return us > 0 ? (double)count * 1e6 / (double)us : 0;
}

/* The times to the first byte; all -1 when there are none. */
static void tell_times(const lb_gain_t *gain, lb_recent_t *recent)
{
    const uint64_t count = gain->requests > 0 ? lb_fine_histogram_count(gain->first_byte) : 0;

    recent->p50 = recent->p95 = recent->p99 = recent->mean = -1;
    if (count > 0) {
        recent->mean = (int64_t)(gain->first_byte_us / count);
        recent->p50 = lb_fine_histogram_percentile(gain->first_byte, count, recent->mean, 50);
        recent->p95 = lb_fine_histogram_percentile(gain->first_byte, count, recent->mean, 95);
        recent->p99 = lb_fine_histogram_percentile(gain->first_byte, count, recent->mean, 99);
    }
}

double lb_samples_per_second(uint64_t count, int64_t took)
{
    return per_second(count, took > LB_RECENT_LEAST_US ? took : LB_RECENT_LEAST_US);
}

lb_recent_t lb_samples_recent(const lb_gain_t *gain, int64_t took)
{
    lb_recent_t recent = {
        .requests = lb_samples_per_second(gain->requests, took),
        .failures = lb_samples_per_second(gain->failures, took),
        .server_errors = lb_samples_per_second(gain->server_errors, took),
    };
    tell_times(gain, &recent);
    return recent;
}

/* ---- Samples --------------------------------------------------------------------------------- */

void lb_samples_add_sample(lb_balancer_room_t *room, int64_t now, const lb_gain_t *gain,
                           uint32_t in_flight, uint32_t queued)
{
    const uint64_t n = atomic_load(&room->samples);
    lb_sample_room_t *sample = &room->ring[n % LB_SAMPLES];
    const uint64_t refused = lb_counters_refused(room);
    lb_recent_t times;

    tell_times(gain, &times);
    atomic_store(&sample->at, now);
    atomic_store(&sample->requests, (uint32_t)gain->requests);
    atomic_store(&sample->failures, (uint32_t)gain->failures);
    atomic_store(&sample->server_errors, (uint32_t)gain->server_errors);
    atomic_store(&sample->refused, (uint32_t)(refused - atomic_load(&room->refused_seen)));
    atomic_store(&room->refused_seen, refused);
    atomic_store(&sample->in_flight, in_flight);
    atomic_store(&sample->queued, queued);
    atomic_store(&sample->p50, (int32_t)times.p50);
    atomic_store(&sample->p95, (int32_t)times.p95);
    atomic_store(&room->samples, n + 1);
}

uint64_t lb_samples_refused_lately(const lb_balancer_room_t *room)
{
    const uint64_t made = atomic_load(&room->samples);
    uint64_t refused = lb_counters_refused(room) - atomic_load(&room->refused_seen);

    /* the oldest only says when the minute began */
    for (uint64_t n = minute_ago(made) + 1; n < made; n++) {
        refused += atomic_load(&room->ring[n % LB_SAMPLES].refused);
    }
    return made ? refused : 0;
}

int lb_samples_copy(const lb_balancer_room_t *room, lb_sample_t *samples)
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
            .server_errors = per_second(atomic_load(&from->server_errors), took),
            .refused = per_second(atomic_load(&from->refused), took),
            .in_flight = atomic_load(&from->in_flight),
            .queued = atomic_load(&from->queued),
            .p50 = atomic_load(&from->p50),
            .p95 = atomic_load(&from->p95),
        };
    }
    return count;
}

int lb_samples_copy_member(const lb_balancer_room_t *balancer, const lb_member_room_t *room,
                           lb_sample_t *samples)
{
    const uint64_t made = atomic_load(&balancer->samples);
    int count = 0;

    for (uint64_t n = minute_ago(made) + 1; n < made; n++) {
        const int64_t at = atomic_load(&balancer->ring[n % LB_SAMPLES].at);
        const int64_t took = at - atomic_load(&balancer->ring[(n - 1) % LB_SAMPLES].at);
        lb_gain_t gain = { 0 };
        add_gain(&room->marks[n % LB_MARKS], &room->marks[(n - 1) % LB_MARKS], &gain);
        const lb_recent_t since = lb_samples_recent(&gain, took);
        samples[count++] = (lb_sample_t){
            .at = at,
            .requests = since.requests,
            .failures = since.failures,
            .server_errors = since.server_errors,
            .p50 = since.p50,
            .p95 = since.p95,
        };
    }
    return count;
}
