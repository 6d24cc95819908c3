/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_member_table.c - rows by key over generations, their layout, and two processes on them. */
#include <check.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "member_table.h"
#include "processes.h"
#include "run_suite.h"

#define BALANCERS 3
#define MEMBERS 5
#define ROW sizeof(lb_member_row_t)
#define ROOM sizeof(lb_member_room_t)
#define BALANCER_ROOM sizeof(lb_balancer_room_t)
#define HISTORY sizeof(lb_history_t)
#define HEAD (128 + 32 * 1024)              /* the table's own, and the lanes of flows */
#define LINE (384 + 32 * 10)                /* and its lanes */

static const lb_table_size_t size = {
    .balancers = BALANCERS, .members = MEMBERS, .processes = 2, .waiters = 4
};

/* A table of just its size: a sanitizer sees any byte too many. The caller frees it. */
static lb_table_t *new_table(void)
{
    const size_t bytes = lb_table_bytes(size);
    void *memory = aligned_alloc(64, bytes);
    memset(memory, 0xee, bytes);    /* init has to set everything */
    return lb_table_init(memory, size);
}

static size_t offset_of(const lb_table_t *t, const void *row)
{
    return (size_t)((const char *)row - (const char *)t);
}

/* ---- Layout: other programs may read it ------------------------------------------------------ */

static size_t bytes_of(uint32_t balancers, uint32_t members, uint32_t processes, uint32_t waiters)
{
    return lb_table_bytes((lb_table_size_t){ balancers, members, processes, waiters });
}

START_TEST(table_takes_whole_lines_for_itself_and_each_row)
{
    ck_assert_uint_eq(bytes_of(0, 0, 0, 0), HEAD);
    ck_assert_uint_eq(bytes_of(1, 0, 0, 0), HEAD + 64 + BALANCER_ROOM + HISTORY + LINE);
    ck_assert_uint_eq(bytes_of(0, 1, 0, 0), HEAD + ROW + ROOM + LINE);
    ck_assert_uint_eq(bytes_of(0, 0, 0, 1), HEAD + 128);
    ck_assert_uint_eq(bytes_of(0, 0, 1, 0), HEAD + 128);
    ck_assert_uint_eq(bytes_of(0, 1, 1, 0), HEAD + ROW + ROOM + LINE + 128 + 64);
    ck_assert_uint_eq(bytes_of(0, 8, 1, 0), HEAD + 8 * (ROW + ROOM + LINE) + 128 + 64);
    ck_assert_uint_eq(bytes_of(0, 9, 2, 0), HEAD + 9 * (ROW + ROOM + LINE) + 2 * (128 + 128));
    ck_assert_uint_eq(bytes_of(3, 5, 0, 0),
                      HEAD + (64 + BALANCER_ROOM + HISTORY + LINE) * 3 + (ROW + ROOM + LINE) * 5);
}
END_TEST

START_TEST(sizes_beyond_32_bits_do_not_wrap)
{
    ck_assert_uint_eq(
        bytes_of(UINT32_MAX, UINT32_MAX, 0, UINT32_MAX),
        HEAD + (64 + BALANCER_ROOM + HISTORY + ROW + ROOM + 2 * LINE + 128) * UINT64_C(0xffffffff));
}
END_TEST

START_TEST(fields_are_where_the_format_says)
{
    ck_assert_uint_eq(offsetof(lb_table_t, magic), 0);
    ck_assert_uint_eq(offsetof(lb_table_t, version), 8);
    ck_assert_uint_eq(offsetof(lb_table_t, balancer_count), 12);
    ck_assert_uint_eq(offsetof(lb_table_t, member_count), 16);
    ck_assert_uint_eq(offsetof(lb_balancer_row_t, key), 0);
    ck_assert_uint_eq(offsetof(lb_balancer_row_t, clock), 8);
    ck_assert_uint_eq(offsetof(lb_balancer_row_t, generation), 16);
    ck_assert_uint_eq(offsetof(lb_member_row_t, key), 0);
    ck_assert_uint_eq(offsetof(lb_member_row_t, pass), 8);
    ck_assert_uint_eq(offsetof(lb_member_row_t, elected), 16);
    ck_assert_uint_eq(offsetof(lb_member_row_t, failures), 24);
    ck_assert_uint_eq(offsetof(lb_member_row_t, last_error_at), 32);
    ck_assert_uint_eq(offsetof(lb_member_row_t, last_error), 40);
    ck_assert_uint_eq(offsetof(lb_member_row_t, in_flight), 44);
    ck_assert_uint_eq(offsetof(lb_member_row_t, generation), 48);
}
END_TEST

static void assert_zeros(const void *from, const void *to)
{
    for (const unsigned char *byte = from; byte < (const unsigned char *)to; byte++) {
        if (*byte != 0) {
            ck_abort_msg("byte %td", byte - (const unsigned char *)from);
        }
    }
}

START_TEST(new_table_says_what_it_is_and_is_empty)
{
    lb_table_t *t = new_table();
    const bool is_little_endian = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    ck_assert_mem_eq(t, is_little_endian ? "BLTABLE1" : "1ELBATLB", 8);
    ck_assert_uint_eq(t->version, LB_TABLE_VERSION);
    ck_assert_uint_eq(t->balancer_count, BALANCERS);
    ck_assert_uint_eq(t->member_count, MEMBERS);
    ck_assert_uint_eq(t->process_count, size.processes);
    ck_assert_uint_eq(t->waiter_count, size.waiters);
    assert_zeros(lb_table_balancer(t, 0), lb_table_waiter(t, 0));
    assert_zeros(lb_table_line(t, 0), lb_table_lane(t, lb_table_flow_lane(t, 0)));
    assert_zeros(lb_table_balancer_room(t, 0), lb_table_history(t, 0));
    for (uint32_t p = 0; p < size.processes; p++) {
        ck_assert_int_eq(lb_table_process(t, p)->pid, 0);
        for (uint32_t m = 0; m < MEMBERS; m++) {
            ck_assert_uint_eq(lb_table_held_by(t, p)[m], 0);
            ck_assert_uint_eq(lb_table_parked_by(t, p)[m], 0);
        }
    }
    free(t);
}
END_TEST

START_TEST(balancers_come_first_and_members_behind_them)
{
    lb_table_t *t = new_table();
    for (uint64_t i = 0; i < BALANCERS; i++) {
        ck_assert_uint_eq(offset_of(t, lb_table_claim_balancer(t, 100 + i, 1)), 128 + 64 * i);
    }
    for (uint64_t i = 0; i < MEMBERS; i++) {
        ck_assert_uint_eq(offset_of(t, lb_table_claim_member(t, 100 + i, 1)),
                          128 + 64 * BALANCERS + ROW * i);
    }
    free(t);
}
END_TEST

/* ---- Claims ---------------------------------------------------------------------------------- */

static void count_something(lb_member_row_t *row)
{
    row->pass = 10;
    row->elected = 11;
    row->failures = 12;
    row->last_error_at = 13;
    row->last_error = 14;
    row->drain_until = 19;
    row->limit = 15;
    row->queue_limit = 16;
    row->queue_timeout = 17;
    row->sticky_wait = 18;
    row->check.fails = 15;
    row->check.is_down = 1;
    row->check.next_at = 16;
}

static void assert_counted_nothing(const lb_member_row_t *row)
{
    ck_assert_uint_eq(row->pass, 0);
    ck_assert_uint_eq(row->elected, 0);
    ck_assert_uint_eq(row->failures, 0);
    ck_assert_int_eq(row->last_error_at, 0);
    ck_assert_uint_eq(row->last_error, 0);
    ck_assert_int_eq(row->drain_until, 0);
    ck_assert_uint_eq(row->limit, 0);
    ck_assert_uint_eq(row->queue_limit, 0);
    ck_assert_int_eq(row->queue_timeout, 0);
    ck_assert_int_eq(row->sticky_wait, 0);
    ck_assert_uint_eq(row->check.fails, 0);
    ck_assert_uint_eq(row->check.is_down, 0);
    ck_assert_int_eq(row->check.next_at, 0);
}

START_TEST(claimed_row_carries_key_and_generation_and_no_counts)
{
    lb_table_t *t = new_table();
    lb_member_row_t *member = lb_table_claim_member(t, UINT64_MAX, 7);
    lb_balancer_row_t *balancer = lb_table_claim_balancer(t, UINT64_MAX, 7);
    ck_assert_uint_eq(member->key, UINT64_MAX);
    ck_assert_uint_eq(member->generation, 7);
    ck_assert_uint_eq(member->in_flight, 0);
    assert_counted_nothing(member);
    ck_assert_uint_eq(balancer->key, UINT64_MAX);
    ck_assert_uint_eq(balancer->generation, 7);
    ck_assert_uint_eq(balancer->clock, 0);
    free(t);
}
END_TEST

START_TEST(same_key_gets_the_same_row_in_every_generation)
{
    lb_table_t *t = new_table();
    lb_member_row_t *rows[MEMBERS];
    for (uint64_t i = 0; i < MEMBERS; i++) {
        rows[i] = lb_table_claim_member(t, 100 + i, 1);
    }
    for (uint32_t generation = 1; generation < 100; generation++) {
        for (uint64_t i = MEMBERS; i-- > 0;) {    /* in another order than at first */
            ck_assert_ptr_eq(lb_table_claim_member(t, 100 + i, generation), rows[i]);
            ck_assert_uint_eq(rows[i]->generation, generation);
        }
        lb_table_sweep(t, generation);
    }
    free(t);
}
END_TEST

START_TEST(counts_go_on_over_generations)
{
    lb_table_t *t = new_table();
    lb_member_row_t *member = lb_table_claim_member(t, 42, 1);
    lb_balancer_row_t *balancer = lb_table_claim_balancer(t, 42, 1);
    count_something(member);
    member->in_flight = 3;
    balancer->clock = 99;
    lb_table_claim_member(t, 42, 2);
    lb_table_claim_balancer(t, 42, 2);
    lb_table_sweep(t, 2);
    ck_assert_uint_eq(member->pass, 10);
    ck_assert_uint_eq(member->elected, 11);
    ck_assert_uint_eq(member->failures, 12);
    ck_assert_int_eq(member->last_error_at, 13);
    ck_assert_uint_eq(member->last_error, 14);
    ck_assert_uint_eq(member->in_flight, 3);
    ck_assert_uint_eq(balancer->clock, 99);
    free(t);
}
END_TEST

START_TEST(balancers_and_members_of_one_key_do_not_meet)
{
    lb_table_t *t = new_table();
    ck_assert_ptr_ne(lb_table_claim_member(t, 42, 1), (void *)lb_table_claim_balancer(t, 42, 1));
    free(t);
}
END_TEST

START_TEST(full_table_has_no_row_for_another_key)
{
    lb_table_t *t = new_table();
    for (uint64_t i = 0; i < MEMBERS; i++) {
        ck_assert_ptr_nonnull(lb_table_claim_member(t, 100 + i, 1));
    }
    for (uint64_t i = 0; i < BALANCERS; i++) {
        ck_assert_ptr_nonnull(lb_table_claim_balancer(t, 100 + i, 1));
    }
    ck_assert_ptr_null(lb_table_claim_member(t, 200, 1));
    ck_assert_ptr_null(lb_table_claim_balancer(t, 200, 1));
    ck_assert_ptr_nonnull(lb_table_claim_member(t, 104, 2));    /* who is in stays in */
    ck_assert_ptr_nonnull(lb_table_claim_balancer(t, 102, 2));
    free(t);
}
END_TEST

START_TEST(table_without_rows_is_full)
{
    const lb_table_size_t nothing = { 0 };
    lb_table_t *t = aligned_alloc(64, lb_table_bytes(nothing));
    lb_table_init(t, nothing);
    ck_assert_ptr_null(lb_table_claim_member(t, 42, 1));
    ck_assert_ptr_null(lb_table_claim_balancer(t, 42, 1));
    lb_table_sweep(t, 3);
    free(t);
}
END_TEST

/* ---- Sweeps ---------------------------------------------------------------------------------- */

START_TEST(row_of_the_generation_before_is_kept)
{
    lb_table_t *t = new_table();
    const lb_member_row_t *member = lb_table_claim_member(t, 42, 5);
    const lb_balancer_row_t *balancer = lb_table_claim_balancer(t, 42, 5);
    lb_table_sweep(t, 5);
    lb_table_sweep(t, 6);
    ck_assert_uint_eq(member->key, 42);
    ck_assert_uint_eq(balancer->key, 42);
    free(t);
}
END_TEST

START_TEST(row_unclaimed_for_two_generations_is_freed)
{
    lb_table_t *t = new_table();
    lb_member_row_t *member = lb_table_claim_member(t, 42, 5);
    lb_balancer_row_t *balancer = lb_table_claim_balancer(t, 42, 5);
    lb_table_claim_member(t, 43, 7);
    lb_table_sweep(t, 7);
    ck_assert_uint_eq(member->key, 0);
    ck_assert_uint_eq(balancer->key, 0);
    ck_assert_uint_eq(lb_table_claim_member(t, 43, 7)->key, 43);
    ck_assert_ptr_eq(lb_table_claim_member(t, 44, 7), member);
    ck_assert_ptr_eq(lb_table_claim_balancer(t, 44, 7), balancer);
    free(t);
}
END_TEST

START_TEST(row_with_requests_in_flight_is_kept_until_they_end)
{
    lb_table_t *t = new_table();
    lb_member_row_t *member = lb_table_claim_member(t, 42, 1);
    member->in_flight = 1;
    lb_table_sweep(t, 100);
    ck_assert_uint_eq(member->key, 42);
    ck_assert_uint_eq(member->in_flight, 1);
    ck_assert_ptr_ne(lb_table_claim_member(t, 43, 100), member);
    member->in_flight = 0;
    lb_table_sweep(t, 101);
    ck_assert_uint_eq(member->key, 0);
    free(t);
}
END_TEST

static void set_process(lb_table_t *t, uint32_t process, int32_t pid, uint32_t generation)
{
    atomic_store(&lb_table_process(t, process)->generation, generation);
    atomic_store(&lb_table_process(t, process)->pid, pid);
}

/* Its requests may go to another of its members when theirs fails. */
START_TEST(rows_are_kept_as_long_as_a_process_of_their_generation_lives)
{
    lb_table_t *t = new_table();
    const lb_member_row_t *member = lb_table_claim_member(t, 42, 5);
    const lb_balancer_row_t *balancer = lb_table_claim_balancer(t, 42, 5);
    set_process(t, 0, 1000, 7);
    set_process(t, 1, 1001, 5);
    lb_table_sweep(t, 7);
    lb_table_sweep(t, 50);
    ck_assert_uint_eq(member->key, 42);
    ck_assert_uint_eq(balancer->key, 42);
    set_process(t, 1, 0, 5);
    lb_table_sweep(t, 51);
    ck_assert_uint_eq(member->key, 0);
    ck_assert_uint_eq(balancer->key, 0);
    free(t);
}
END_TEST

START_TEST(row_that_is_older_than_all_processes_is_freed)
{
    lb_table_t *t = new_table();
    const lb_member_row_t *member = lb_table_claim_member(t, 42, 5);
    set_process(t, 0, 1000, 6);
    lb_table_sweep(t, 50);
    ck_assert_uint_eq(member->key, 0);
    free(t);
}
END_TEST

START_TEST(freed_row_starts_from_zero_for_the_next_key)
{
    lb_table_t *t = new_table();
    lb_member_row_t *member = lb_table_claim_member(t, 42, 1);
    lb_balancer_row_t *balancer = lb_table_claim_balancer(t, 42, 1);
    count_something(member);
    balancer->clock = 99;
    lb_table_sweep(t, 3);
    ck_assert_ptr_eq(lb_table_claim_member(t, 43, 3), member);
    ck_assert_ptr_eq(lb_table_claim_balancer(t, 43, 3), balancer);
    assert_counted_nothing(member);
    ck_assert_uint_eq(member->in_flight, 0);
    ck_assert_uint_eq(balancer->clock, 0);
    free(t);
}
END_TEST

START_TEST(key_that_comes_back_after_its_sweep_starts_from_zero)
{
    lb_table_t *t = new_table();
    count_something(lb_table_claim_member(t, 42, 1));
    lb_table_sweep(t, 3);
    assert_counted_nothing(lb_table_claim_member(t, 42, 4));
    free(t);
}
END_TEST

START_TEST(key_behind_a_freed_row_keeps_its_own_row)
{
    lb_table_t *t = new_table();
    lb_table_claim_member(t, 42, 1);
    lb_member_row_t *second = lb_table_claim_member(t, 43, 3);
    lb_table_sweep(t, 3);
    ck_assert_ptr_eq(lb_table_claim_member(t, 43, 4), second);
    free(t);
}
END_TEST

START_TEST(sweep_of_an_empty_table_changes_nothing)
{
    lb_table_t *t = new_table(), *untouched = new_table();
    lb_table_sweep(t, 0);
    lb_table_sweep(t, 1);
    lb_table_sweep(t, UINT32_MAX);
    ck_assert_mem_eq(t, untouched, lb_table_bytes(size));
    free(t);
    free(untouched);
}
END_TEST

static lb_member_room_t *room_of(lb_table_t *t, const lb_member_row_t *row)
{
    return lb_table_member_room(t, lb_table_member_index(t, row));
}

START_TEST(rooms_stand_behind_the_lanes_and_before_the_processes)
{
    lb_table_t *t = new_table();
    const size_t rooms = HEAD + (64 + LINE) * BALANCERS + (ROW + LINE) * MEMBERS
                         + 128 * size.waiters;
    ck_assert_uint_eq(offset_of(t, lb_table_balancer_room(t, 0)), rooms);
    ck_assert_uint_eq(offset_of(t, lb_table_balancer_room(t, 2)), rooms + 2 * BALANCER_ROOM);
    const size_t histories = rooms + BALANCERS * BALANCER_ROOM;
    ck_assert_uint_eq(offset_of(t, lb_table_history(t, 2)), histories + 2 * HISTORY);
    const size_t members = histories + BALANCERS * HISTORY;
    ck_assert_uint_eq(offset_of(t, lb_table_member_room(t, 0)), members);
    ck_assert_uint_eq(offset_of(t, lb_table_member_room(t, MEMBERS - 1)),
                      members + (MEMBERS - 1) * ROOM);
    ck_assert_uint_eq(offset_of(t, lb_table_process(t, 0)), members + MEMBERS * ROOM);
    free(t);
}
END_TEST

START_TEST(a_free_balancer_row_has_an_empty_room_for_its_next_owner)
{
    lb_table_t *t = new_table();
    lb_balancer_row_t *row = lb_table_claim_balancer(t, 42, 1);
    lb_counters_add_refusal(lb_table_balancer_room(t, 0), LB_QUEUE_FULL);
    lb_table_claim_balancer(t, 42, 2);
    ck_assert_uint_eq(lb_table_balancer_room(t, 0)->refused[LB_QUEUE_FULL], 1);
    lb_table_sweep(t, 4);
    ck_assert_ptr_eq(lb_table_claim_balancer(t, 43, 4), row);
    ck_assert_uint_eq(lb_table_balancer_room(t, 0)->refused[LB_QUEUE_FULL], 0);
    free(t);
}
END_TEST

START_TEST(a_member_that_was_away_had_nothing_in_the_last_minute)
{
    lb_table_t *t = new_table();
    lb_member_row_t *row = lb_table_claim_member(t, 42, 1);
    lb_counters_add_try(room_of(t, row), LB_SERVED, NULL);
    lb_table_claim_member(t, 42, 2);
    ck_assert_uint_eq(room_of(t, row)->marks[5].requests, 0);
    lb_table_claim_member(t, 42, 4);
    ck_assert_uint_eq(room_of(t, row)->marks[5].requests, 1);
    ck_assert_uint_eq(room_of(t, row)->counters.ends[LB_SERVED], 1);
    free(t);
}
END_TEST

START_TEST(reset_clears_the_counts_and_leaves_what_is_in_flight)
{
    lb_table_t *t = new_table();
    lb_member_row_t *member = lb_table_claim_member(t, 42, 6);
    lb_member_row_t *neighbour = lb_table_claim_member(t, 43, 6);
    count_something(member);
    count_something(neighbour);
    member->in_flight = 3;
    lb_counters_add_try(room_of(t, member), LB_SERVED, NULL);
    lb_counters_add_try(room_of(t, neighbour), LB_SERVED, NULL);
    lb_table_reset_member(t, member);
    assert_counted_nothing(member);
    ck_assert_uint_eq(room_of(t, member)->counters.ends[LB_SERVED], 0);
    ck_assert_uint_eq(room_of(t, neighbour)->counters.ends[LB_SERVED], 1);
    ck_assert_uint_eq(member->in_flight, 3);
    ck_assert_uint_eq(member->key, 42);
    ck_assert_uint_eq(member->generation, 6);
    ck_assert_uint_eq(neighbour->elected, 11);
    free(t);
}
END_TEST

START_TEST(reset_forgets_what_other_fronts_said)
{
    lb_table_t *t = new_table();
    lb_member_row_t *member = lb_table_claim_member(t, 42, 6);

    member->evidence = 7;
    member->check.told = 8;
    member->check.told_at = 9;
    lb_table_reset_member(t, member);
    ck_assert_uint_eq(member->evidence, 0);
    ck_assert_uint_eq(member->check.told, 0);
    ck_assert_int_eq(member->check.told_at, 0);
    free(t);
}
END_TEST

/* ---- Two processes --------------------------------------------------------------------------- */

static lb_table_t *shared_table(void)
{
    return lb_table_init(shared_memory(lb_table_bytes(size)), size);
}

static void wait_for_elected(lb_member_row_t *row, uint64_t enough)
{
    while (atomic_load(&row->elected) < enough) {
        sched_yield();    /* Check's time limit, or alarm(), ends this */
    }
}

START_TEST(two_processes_see_the_counts_of_each_other)
{
    lb_table_t *t = shared_table();
    lb_member_row_t *row = lb_table_claim_member(t, 42, 1);
    const pid_t child = start_child();
    if (child == 0) {
        atomic_fetch_add(&row->in_flight, 2);
        atomic_fetch_add(&row->elected, 1);
        wait_for_elected(row, 2);
        _exit(atomic_load(&row->in_flight) == 7 ? 0 : 1);
    }
    wait_for_elected(row, 1);
    ck_assert_uint_eq(row->in_flight, 2);
    atomic_fetch_add(&row->in_flight, 5);
    atomic_fetch_add(&row->elected, 1);
    assert_ends_well(child);
}
END_TEST

START_TEST(counts_of_two_processes_add_up)
{
    enum { TIMES = 200000 };
    lb_table_t *t = shared_table();
    lb_member_row_t *row = lb_table_claim_member(t, 42, 1);
    const pid_t child = start_child();
    for (int i = 0; i < TIMES; i++) {
        atomic_fetch_add(&row->in_flight, 1);
        atomic_fetch_add(&row->elected, 1);
        atomic_fetch_sub(&row->in_flight, 1);
    }
    if (child == 0) {
        _exit(0);
    }
    assert_ends_well(child);
    ck_assert_uint_eq(row->elected, 2 * TIMES);
    ck_assert_uint_eq(row->in_flight, 0);
}
END_TEST

START_TEST(old_process_keeps_its_row_while_the_parent_starts_a_generation)
{
    lb_table_t *t = shared_table();
    lb_member_row_t *row = lb_table_claim_member(t, 42, 1);
    atomic_fetch_add(&row->in_flight, 1);
    const pid_t child = start_child();
    if (child == 0) {
        wait_for_elected(row, 1);    /* the new generations are there */
        const bool is_mine = atomic_load(&row->key) == 42;
        atomic_fetch_sub(&row->in_flight, 1);
        _exit(is_mine ? 0 : 1);
    }
    for (uint32_t generation = 2; generation < 10; generation++) {
        lb_table_claim_member(t, 40 + generation % 2 * 100, generation);
        lb_table_sweep(t, generation);
    }
    atomic_fetch_add(&row->elected, 1);
    assert_ends_well(child);
    lb_table_sweep(t, 10);
    ck_assert_uint_eq(row->key, 0);
}
END_TEST

static TCase *rows(void)
{
    TCase *tc = tcase_create("rows");
    tcase_add_test(tc, table_takes_whole_lines_for_itself_and_each_row);
    tcase_add_test(tc, sizes_beyond_32_bits_do_not_wrap);
    tcase_add_test(tc, fields_are_where_the_format_says);
    tcase_add_test(tc, new_table_says_what_it_is_and_is_empty);
    tcase_add_test(tc, balancers_come_first_and_members_behind_them);
    tcase_add_test(tc, claimed_row_carries_key_and_generation_and_no_counts);
    tcase_add_test(tc, same_key_gets_the_same_row_in_every_generation);
    tcase_add_test(tc, counts_go_on_over_generations);
    tcase_add_test(tc, balancers_and_members_of_one_key_do_not_meet);
    tcase_add_test(tc, full_table_has_no_row_for_another_key);
    tcase_add_test(tc, table_without_rows_is_full);
    tcase_add_test(tc, row_of_the_generation_before_is_kept);
    tcase_add_test(tc, row_unclaimed_for_two_generations_is_freed);
    tcase_add_test(tc, row_with_requests_in_flight_is_kept_until_they_end);
    tcase_add_test(tc, rows_are_kept_as_long_as_a_process_of_their_generation_lives);
    tcase_add_test(tc, row_that_is_older_than_all_processes_is_freed);
    tcase_add_test(tc, freed_row_starts_from_zero_for_the_next_key);
    tcase_add_test(tc, key_that_comes_back_after_its_sweep_starts_from_zero);
    tcase_add_test(tc, key_behind_a_freed_row_keeps_its_own_row);
    tcase_add_test(tc, sweep_of_an_empty_table_changes_nothing);
    tcase_add_test(tc, rooms_stand_behind_the_lanes_and_before_the_processes);
    tcase_add_test(tc, a_free_balancer_row_has_an_empty_room_for_its_next_owner);
    tcase_add_test(tc, a_member_that_was_away_had_nothing_in_the_last_minute);
    tcase_add_test(tc, reset_clears_the_counts_and_leaves_what_is_in_flight);
    tcase_add_test(tc, reset_forgets_what_other_fronts_said);
    return tc;
}

static TCase *two_processes(void)
{
    TCase *tc = tcase_create("two processes");
    tcase_set_timeout(tc, 50);
    tcase_add_test(tc, two_processes_see_the_counts_of_each_other);
    tcase_add_test(tc, counts_of_two_processes_add_up);
    tcase_add_test(tc, old_process_keeps_its_row_while_the_parent_starts_a_generation);
    return tc;
}

int main(void)
{
    Suite *suite = suite_create("member_table");
    suite_add_tcase(suite, rows());
    suite_add_tcase(suite, two_processes());
    return run_suite(suite);
}
