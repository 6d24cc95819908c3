/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* counters.c - see counters.h. */
#include "counters.h"

#include <stddef.h>
#include <string.h>

#include "histogram.h"

static_assert(sizeof(((lb_counted_t *)0)->responses) == LB_CLASSES * sizeof(uint64_t),
              "the contract's classes");

static void add(_Atomic uint64_t *counter, uint64_t by)
{
    atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

static uint64_t get(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void set(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_store_explicit(counter, value, memory_order_relaxed);
}

/* ---- Counting -------------------------------------------------------------------------------- */

static void add_time(lb_times_room_t *times, int64_t took)
{
    took = took > 0 ? took : 0;
    add(&times->buckets[lb_histogram_bucket(took)], 1);
    add(&times->sum, (uint64_t)took);
}

/* 0 without an answer; what is beyond the classes of HTTP is the application's fault. */
static int class_of(int http_status)
{
    return http_status < 100   ? 0
           : http_status < 500 ? http_status / 100
                               : 5;
}

static void step(_Atomic uint32_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* The client has no answer from it, or the answer that something failed. Not when it has left, or
 * when a kept connection was closed before it was used. */
static bool is_failed(lb_outcome_t end, const lb_measures_t *measures)
{
    const lb_says_t says = lb_outcome_says(end);
    return (says != LB_SAYS_FINE && says != LB_SAYS_NOTHING)
           || (measures && class_of(measures->http_status) == 5);
}

static void add_now(lb_mark_t *now, lb_outcome_t end, const lb_measures_t *measures)
{
    step(&now->requests);
    if (is_failed(end, measures)) {
        step(&now->failures);
    }
    if (measures && class_of(measures->http_status) == 5) {
        step(&now->server_errors);
    }
    if (measures && measures->first_byte >= 0) {
        step(&now->first_byte[lb_fine_histogram_bucket(measures->first_byte)]);
        add(&now->first_byte_us, (uint64_t)measures->first_byte);
    }
}

static void note_exemplars(lb_member_room_t *room, const lb_measures_t *measures)
{
    lb_exemplars_t *exemplars = &room->exemplars;

    if (get(&room->has_exemplars) == 0) {
        set(&room->has_exemplars, 1);
    }
    lb_exemplars_note(exemplars, LB_TIME_WHOLE, measures->whole, measures);
    if (measures->first_byte >= 0) {
        lb_exemplars_note(exemplars, LB_TIME_FIRST_BYTE, measures->first_byte, measures);
    }
    if (measures->connect >= 0) {
        lb_exemplars_note(exemplars, LB_TIME_CONNECT, measures->connect, measures);
    }
}

void lb_counters_add_try(lb_member_room_t *room, lb_outcome_t end, const lb_measures_t *measures)
{
    lb_counters_t *counters = &room->counters;

    add_now(&room->now, end, measures);
    add(&counters->responses[measures ? class_of(measures->http_status) : 0], 1);
    add(&counters->ends[end], 1);
    if (!measures) {
        return;
    }
    add_time(&counters->whole, measures->whole);
    if (measures->first_byte >= 0) {
        add_time(&counters->first_byte, measures->first_byte);
    }
    if (measures->connect >= 0) {
        add_time(&counters->connect, measures->connect);
    }
    if (measures->trace_id) {
        note_exemplars(room, measures);
    }
}

void lb_counters_add_wait(lb_member_room_t *room, int64_t waited)
{
    add_time(&room->counters.queue, waited);
}

void lb_counters_fold_downtime(lb_member_room_t *room, int64_t now)
{
    int64_t counted = atomic_load(&room->down_counted);

    if (counted && now > counted
        && atomic_compare_exchange_strong(&room->down_counted, &counted, now)) {
        add(&room->counters.downtime, (uint64_t)(now - counted));
    }
}

void lb_counters_add_state(lb_member_room_t *room, bool is_down, int64_t now)
{
    int64_t up = 0;

    add(&room->counters.state_changes, 1);
    if (!is_down) {
        lb_counters_fold_downtime(room, now);
        atomic_store(&room->down_counted, 0);
        atomic_store(&room->down_since, 0);
    }
    else if (atomic_compare_exchange_strong(&room->down_since, &up, now)) {
        atomic_store(&room->down_counted, now);
        add(&room->counters.outages, 1);
    }
}

void lb_counters_add_refusal(lb_balancer_room_t *room, lb_outcome_t end)
{
    add(&room->refused[end], 1);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void copy_many(const _Atomic uint64_t *from, uint64_t *to, int count)
{
    for (int i = 0; i < count; i++) {
        to[i] = get(&from[i]);
    }
}

static void copy_times(const lb_times_room_t *from, lb_histogram_t *to)
{
    copy_many(from->buckets, to->buckets, LB_HISTOGRAM_BUCKETS);
    to->sum = get(&from->sum);
}

static void copy(const lb_counters_t *from, lb_counted_t *to)
{
    to->bytes_sent = get(&from->bytes_sent);
    to->bytes_read = get(&from->bytes_read);
    copy_many(from->responses, to->responses, LB_CLASSES);
    copy_many(from->ends, to->ends, LB_OUTCOME_COUNT);
    copy_times(&from->queue, &to->queue_times);
    copy_times(&from->connect, &to->connect_times);
    copy_times(&from->first_byte, &to->first_byte_times);
    copy_times(&from->whole, &to->whole_times);
    to->state_changes = get(&from->state_changes);
    to->outages = get(&from->outages);
    to->downtime = get(&from->downtime);
}

void lb_counters_copy(const lb_member_room_t *room, uint64_t elected, uint64_t failures,
                      lb_counted_t *all)
{
    all->elected = elected;
    all->failures = failures;
    copy(&room->counters, all);
}

bool lb_counters_copy_before(const lb_member_room_t *room, lb_counted_t *before)
{
    if (atomic_load(&room->was_reset) == 0) {
        return false;
    }
    before->elected = get(&room->elected_before);
    before->failures = get(&room->failures_before);
    copy(&room->before, before);
    return true;
}

uint64_t lb_counters_refused(const lb_balancer_room_t *room)
{
    uint64_t refused = 0;

    for (int i = 0; i < LB_ENDS_MAX; i++) {
        refused += get(&room->refused[i]);
    }
    return refused;
}

static_assert(sizeof(lb_counted_t) % sizeof(uint64_t) == 0, "it has nothing but counters");

void lb_counters_subtract(lb_counted_t *counted, const lb_counted_t *before)
{
    uint64_t *number = (uint64_t *)counted;
    const uint64_t *less = (const uint64_t *)before;

    for (size_t i = 0; i < sizeof(*counted) / sizeof(*number); i++) {
        number[i] = number[i] > less[i] ? number[i] - less[i] : 0;
    }
}

/* ---- Beginning anew -------------------------------------------------------------------------- */

/* Rooms are nothing but atomic counters and words that are kept 0, so they are copied and cleared
 * as such. */
static_assert(sizeof(_Atomic uint64_t) == sizeof(uint64_t), "no lock hides in an atomic word");

static void clear(void *room, size_t bytes)
{
    _Atomic uint64_t *words = room;

    for (size_t i = 0; i < bytes / sizeof(*words); i++) {
        set(&words[i], 0);
    }
}

static void copy_room(lb_counters_t *to, const lb_counters_t *from)
{
    _Atomic uint64_t *words = (_Atomic uint64_t *)(void *)to;
    const _Atomic uint64_t *source = (const _Atomic uint64_t *)(const void *)from;

    for (size_t i = 0; i < sizeof(*to) / sizeof(*words); i++) {
        set(&words[i], get(&source[i]));
    }
}

void lb_counters_reset_member(lb_member_room_t *room, uint64_t elected, uint64_t failures,
                              int64_t now)
{
    set(&room->elected_before, elected);
    set(&room->failures_before, failures);
    copy_room(&room->before, &room->counters);
    atomic_store(&room->counted_since, now);
    atomic_store(&room->was_reset, 1);
}

void lb_counters_reset_balancer(lb_balancer_room_t *room, int64_t now)
{
    for (int i = 0; i < LB_ENDS_MAX; i++) {
        set(&room->refused_before[i], get(&room->refused[i]));
    }
    atomic_store(&room->counted_since, now);
}

void lb_counters_clear_member(lb_member_room_t *room)
{
    clear(room, sizeof(*room));
}

void lb_counters_clear_balancer(lb_balancer_room_t *room)
{
    clear(room, sizeof(*room));
}
