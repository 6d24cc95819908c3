/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member_table.c - see member_table.h. */
#include "member_table.h"

#include <string.h>
#include <time.h>

#include "samples.h"
#include "robust_lock.h"

#define LINE 64

static lb_balancer_row_t *balancer_rows(lb_table_t *t)
{
    return (lb_balancer_row_t *)(t + 1);
}

static lb_member_row_t *member_rows(lb_table_t *t)
{
    return (lb_member_row_t *)(balancer_rows(t) + t->balancer_count);
}

static lb_waiter_t *waiter_rows(lb_table_t *t)
{
    return (lb_waiter_t *)(member_rows(t) + t->member_count);
}

static lb_line_t *line_rows(lb_table_t *t)
{
    return (lb_line_t *)(waiter_rows(t) + t->waiter_count);
}

static lb_lane_t *lane_rows(lb_table_t *t)
{
    return (lb_lane_t *)(line_rows(t) + lb_table_lines(t));
}

static size_t lanes_for(size_t lines)
{
    return lines * LB_PRIORITIES + LB_FLOW_LANES;
}

static lb_balancer_room_t *balancer_rooms(lb_table_t *t)
{
    return (lb_balancer_room_t *)(void *)(lane_rows(t) + lanes_for(lb_table_lines(t)));
}

static lb_history_t *histories(lb_table_t *t)
{
    return (lb_history_t *)(void *)(balancer_rooms(t) + t->balancer_count);
}

static lb_member_room_t *member_rooms(lb_table_t *t)
{
    return (lb_member_room_t *)(void *)(histories(t) + t->balancer_count);
}

static size_t process_bytes(uint32_t members)
{
    const size_t counts = 2 * (size_t)members * sizeof(uint32_t);
    return sizeof(lb_process_row_t) + (counts + LINE - 1) / LINE * LINE;
}

size_t lb_table_bytes(lb_table_size_t size)
{
    const size_t lines = (size_t)size.balancers + size.members;

    return sizeof(lb_table_t)
           + size.balancers
                 * (sizeof(lb_balancer_row_t) + sizeof(lb_balancer_room_t) + sizeof(lb_history_t))
           + size.members * (sizeof(lb_member_row_t) + sizeof(lb_member_room_t))
           + size.waiters * sizeof(lb_waiter_t)
           + lines * sizeof(lb_line_t) + lanes_for(lines) * sizeof(lb_lane_t)
           + size.processes * process_bytes(size.members);
}

static void clear_lane(lb_lane_t *lane)
{
    *lane =
        (lb_lane_t){ .first = LB_NOBODY, .last = LB_NOBODY, .next = LB_NOBODY, .prev = LB_NOBODY };
}

void lb_table_clear_line(lb_table_t *t, uint32_t line)
{
    static const lb_round_t nobody = { LB_NOBODY, LB_NOBODY };
    lb_line_t *l = lb_table_line(t, line);

    *l = (lb_line_t){ .first = LB_NOBODY, .last = LB_NOBODY };
    for (uint32_t p = 0; p < LB_PRIORITIES; p++) {
        l->priorities[p] = (lb_priority_t){ .rounds = { nobody, nobody } };
        clear_lane(lb_table_lane(t, line * LB_PRIORITIES + p));
    }
}

lb_table_t *lb_table_init(void *memory, lb_table_size_t size)
{
    lb_table_t *t = memory;

    memset(t, 0, sizeof(*t));
    t->version = LB_TABLE_VERSION;
    t->balancer_count = size.balancers;
    t->member_count = size.members;
    t->process_count = size.processes;
    t->waiter_count = size.waiters;
    t->free_waiter = LB_NOBODY;
    t->process_bytes = process_bytes(size.members);
    t->processes_at =
        (uint64_t)((unsigned char *)(member_rooms(t) + t->member_count) - (unsigned char *)t);
    memset(balancer_rows(t), 0, (size_t)((char *)waiter_rows(t) - (char *)balancer_rows(t)));
    memset(line_rows(t), 0, (size_t)((char *)histories(t) - (char *)line_rows(t)));
    for (uint32_t i = 0; i < LB_FLOW_LANES; i++) {
        clear_lane(lb_table_lane(t, lb_table_flow_lane(t, i)));
    }
    memset(lb_table_process(t, 0), 0, size.processes * process_bytes(size.members));
    fc_robust_lock_init(&t->lock.mutex);
    for (uint32_t i = 0; i < size.processes; i++) {
        fc_robust_lock_init(&lb_table_process(t, i)->life.mutex);
    }
    t->magic = LB_TABLE_MAGIC;
    return t;
}

lb_balancer_row_t *lb_table_balancer(lb_table_t *t, uint32_t i)
{
    return &balancer_rows(t)[i];
}

lb_member_row_t *lb_table_member(lb_table_t *t, uint32_t i)
{
    return &member_rows(t)[i];
}

lb_waiter_t *lb_table_waiter(lb_table_t *t, uint32_t i)
{
    return &waiter_rows(t)[i];
}

lb_process_row_t *lb_table_process(lb_table_t *t, uint32_t i)
{
    return (lb_process_row_t *)(void *)((unsigned char *)t + t->processes_at
                                        + i * t->process_bytes);
}

/* Only asked when a limit is shared: a lease ends without anybody doing anything. */
static int64_t monotonic_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

/* The lock guards the three when it matters: who is let in holds it. */
uint32_t lb_table_share_of(const lb_member_row_t *row)
{
    if (!atomic_load(&row->is_shared) || lb_table_limit_of(row) == 0) {
        return UINT32_MAX;
    }
    return atomic_load(monotonic_now() < atomic_load(&row->part.until) ? &row->part.share
                                                                       : &row->part.floor);
}

uint32_t lb_table_floor_of(const lb_member_row_t *row)
{
    return atomic_load(&row->is_shared) && lb_table_limit_of(row) != 0
               ? atomic_load(&row->part.floor)
               : UINT32_MAX;
}

lb_line_t *lb_table_line(lb_table_t *t, uint32_t i)
{
    return &line_rows(t)[i];
}

uint32_t lb_table_lines(const lb_table_t *t)
{
    return t->balancer_count + t->member_count;
}

uint32_t lb_table_line_of_member(const lb_table_t *t, uint32_t member)
{
    return t->balancer_count + member;
}

lb_lane_t *lb_table_lane(lb_table_t *t, uint32_t i)
{
    return &lane_rows(t)[i];
}

uint32_t lb_table_flow_lane(const lb_table_t *t, uint32_t i)
{
    return lb_table_lines(t) * LB_PRIORITIES + i;
}

lb_balancer_room_t *lb_table_balancer_room(lb_table_t *t, uint32_t i)
{
    return &balancer_rooms(t)[i];
}

lb_member_room_t *lb_table_member_room(lb_table_t *t, uint32_t i)
{
    return &member_rooms(t)[i];
}

lb_history_t *lb_table_history(lb_table_t *t, uint32_t i)
{
    return &histories(t)[i];
}

uint32_t *lb_table_held_by(lb_table_t *t, uint32_t process)
{
    return (uint32_t *)(void *)(lb_table_process(t, process) + 1);
}

_Atomic uint32_t *lb_table_parked_by(lb_table_t *t, uint32_t process)
{
    return (_Atomic uint32_t *)(void *)(lb_table_held_by(t, process) + t->member_count);
}

uint32_t lb_table_balancer_index(lb_table_t *t, const lb_balancer_row_t *row)
{
    return (uint32_t)(row - balancer_rows(t));
}

uint32_t lb_table_member_index(lb_table_t *t, const lb_member_row_t *row)
{
    return (uint32_t)(row - member_rows(t));
}

bool lb_table_has_balancer(lb_table_t *t, uint64_t key)
{
    for (uint32_t i = 0; i < t->balancer_count; i++) {
        if (atomic_load(&balancer_rows(t)[i].key) == key) {
            return true;
        }
    }
    return false;
}

bool lb_table_has_room(lb_table_t *t, uint32_t members)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->member_count; i++) {
        n += atomic_load(&member_rows(t)[i].key) == 0;
    }
    return n >= members && lb_table_has_balancer(t, 0);    /* 0: a free row */
}

/* Both kinds of row start with their key.
 * returns  the row of this key, else the first free one, else NULL */
static void *find_row(void *rows, uint32_t count, size_t row_bytes, uint64_t key)
{
    static_assert(offsetof(lb_balancer_row_t, key) == 0 && offsetof(lb_member_row_t, key) == 0,
                  "find_row reads the key at the start of a row");
    unsigned char *row = rows;
    void *free_row = NULL;

    for (uint32_t i = 0; i < count; i++, row += row_bytes) {
        const uint64_t held_by = atomic_load((_Atomic uint64_t *)(void *)row);
        if (held_by == key) {
            return row;
        }
        if (held_by == 0 && !free_row) {
            free_row = row;
        }
    }
    return free_row;
}

lb_balancer_row_t *lb_table_claim_balancer(lb_table_t *t, uint64_t key, uint32_t generation)
{
    lb_balancer_row_t *row =
        find_row(balancer_rows(t), t->balancer_count, sizeof(*row), key);
    if (!row) {
        return NULL;
    }
    if (atomic_load(&row->key) == 0) {
        atomic_store(&row->clock, 0);
        atomic_store(&row->waiting, 0);
        memset(&row->retries, 0, sizeof(row->retries));
        row->resent = row->not_resent = 0;
        lb_table_clear_line(t, lb_table_balancer_index(t, row));
        lb_counters_clear_balancer(lb_table_balancer_room(t, lb_table_balancer_index(t, row)));
        lb_history_begin(lb_table_history(t, lb_table_balancer_index(t, row)));
        atomic_store(&row->key, key);
    }
    atomic_store(&row->generation, generation);
    return row;
}

lb_member_row_t *lb_table_claim_member(lb_table_t *t, uint64_t key, uint32_t generation)
{
    lb_member_row_t *row =
        find_row(member_rows(t), t->member_count, sizeof(*row), key);
    if (!row) {
        return NULL;
    }
    if (atomic_load(&row->key) == 0) {
        lb_table_reset_member(t, row);
        atomic_store(&row->waiting, 0);
        lb_table_clear_line(t, lb_table_line_of_member(t, lb_table_member_index(t, row)));
        atomic_store(&row->key, key);
    }
    else if (atomic_load(&row->generation) + 1 < generation) {
        lb_samples_level(lb_table_member_room(t, lb_table_member_index(t, row)));
    }
    atomic_store(&row->generation, generation);
    return row;
}

/* A process outlives any number of restarts if its requests take long, and they may yet go to other
 * members than those where they are in flight. The children of the generation before may not have
 * joined yet. */
static uint32_t oldest_in_use(lb_table_t *t, uint32_t generation)
{
    uint32_t oldest = generation > 0 ? generation - 1 : 0;

    for (uint32_t p = 0; p < t->process_count; p++) {
        const lb_process_row_t *process = lb_table_process(t, p);
        const uint32_t its = atomic_load(&process->generation);
        oldest = atomic_load(&process->pid) != 0 && its < oldest ? its : oldest;
    }
    return oldest;
}

void lb_table_sweep(lb_table_t *t, uint32_t generation)
{
    lb_balancer_row_t *balancers = balancer_rows(t);
    lb_member_row_t *members = member_rows(t);
    const uint32_t oldest = oldest_in_use(t, generation);

    for (uint32_t i = 0; i < t->balancer_count; i++) {
        if (atomic_load(&balancers[i].generation) < oldest
            && atomic_load(&balancers[i].waiting) == 0) {
            atomic_store(&balancers[i].key, 0);
        }
    }
    for (uint32_t i = 0; i < t->member_count; i++) {
        if (atomic_load(&members[i].generation) < oldest
            && atomic_load(&members[i].in_flight) == 0 && atomic_load(&members[i].waiting) == 0) {
            atomic_store(&members[i].key, 0);
        }
    }
}

static void reset_check(lb_check_row_t *check)
{
    atomic_store(&check->next_at, 0);
    atomic_store(&check->checked_at, 0);
    atomic_store(&check->fpm_at, 0);
    atomic_store(&check->fpm_is_current, 0);
    atomic_store(&check->passes, 0);
    atomic_store(&check->fails, 0);
    atomic_store(&check->is_down, 0);
    atomic_store(&check->asked_since, 0);
    atomic_store(&check->answered_at, 0);
    atomic_store(&check->judged_at, 0);
    atomic_store(&check->busy, 0);
    atomic_store(&check->is_kept, 0);
    atomic_store(&check->told, 0);
    atomic_store(&check->told_at, 0);
    check->pool = (lb_auto_limit_t){ 0 };
}

void lb_table_reset_member(lb_table_t *t, lb_member_row_t *row)
{
    /* Not in_flight: its tickets give back what they took. */
    atomic_store(&row->pass, 0);
    atomic_store(&row->elected, 0);
    atomic_store(&row->failures, 0);
    atomic_store(&row->last_error_at, 0);
    atomic_store(&row->last_error, 0);
    atomic_store(&row->busy_until, 0);
    atomic_store(&row->shown_state, 0);
    atomic_store(&row->evidence, 0);
    memset(&row->strikes, 0, sizeof(row->strikes));
    memset(&row->service, 0, sizeof(row->service));
    atomic_store(&row->drain_until, 0);
    atomic_store(&row->limit, 0);
    atomic_store(&row->auto_limit, 0);
    atomic_store(&row->queue_limit, 0);
    atomic_store(&row->queue_timeout, 0);
    atomic_store(&row->sticky_wait, 0);
    atomic_store(&row->is_shared, 0);
    memset(&row->part, 0, sizeof(row->part));
    reset_check(&row->check);
    lb_counters_clear_member(lb_table_member_room(t, lb_table_member_index(t, row)));
}
