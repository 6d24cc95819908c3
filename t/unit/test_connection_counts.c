/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_connection_counts.c - what processes add up to, and what is left of those that
 * were killed. */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "apr_general.h"
#include "connection_counts.h"
#include "shared_table.h"

static apr_pool_t *process;

static void begin(void)
{
    apr_initialize();
    apr_pool_create(&process, NULL);
    ck_assert_int_eq(fcgi_connection_counts_open(process, 4), APR_SUCCESS);
}

static void end(void)
{
    apr_pool_destroy(process);
    apr_terminate();
}

/* A child that keeps so many connections; it says so when it has them, and stays until it is
 * killed. */
static pid_t start_keeper(int address, int connections, _Atomic uint32_t *says)
{
    const pid_t pid = start_child();

    if (pid == 0) {
        fcgi_connection_counts_join(process);
        fcgi_connection_counts_add(address, FCGI_COUNT_KEPT, connections);
        atomic_fetch_add(says, 1);
        for (;;) {
            pause();
        }
    }
    return pid;
}

static void wait_for(_Atomic uint32_t *says, uint32_t count)
{
    while (atomic_load(says) < count) {
        sched_yield();
    }
}

/* It is looked for the dead once a second. */
static int total_after_burial(int address, int wanted)
{
    const time_t until = time(NULL) + 20;

    while (fcgi_connection_counts_total(address, FCGI_COUNT_KEPT) != wanted
           && time(NULL) < until) {
        fcgi_connection_counts_bury_the_dead();
        sched_yield();
    }
    return fcgi_connection_counts_total(address, FCGI_COUNT_KEPT);
}

START_TEST(processes_add_up_and_the_killed_count_no_more)
{
    _Atomic uint32_t *says = shared_memory(sizeof(*says));
    const int address = fcgi_connection_counts_find("fcgi://127.0.0.1:9000");
    const pid_t first = start_keeper(address, 5, says), second = start_keeper(address, 3, says);

    wait_for(says, 2);
    ck_assert_int_eq(fcgi_connection_counts_total(address, FCGI_COUNT_KEPT), 8);
    assert_is_killed(first);
    ck_assert_int_eq(total_after_burial(address, 3), 3);
    assert_is_killed(second);
    ck_assert_int_eq(total_after_burial(address, 0), 0);
}
END_TEST

/* A zombie has its process id yet, as another process could have it. */
START_TEST(a_process_id_that_is_in_use_keeps_no_dead_process_counted)
{
    _Atomic uint32_t *says = shared_memory(sizeof(*says));
    const int address = fcgi_connection_counts_find("fcgi://127.0.0.1:9000");
    const pid_t keeper = start_keeper(address, 5, says);

    wait_for(says, 1);
    ck_assert_int_eq(kill(keeper, SIGKILL), 0);
    ck_assert_int_eq(total_after_burial(address, 0), 0);
    ck_assert_int_eq(kill(keeper, 0), 0);
    ck_assert_int_eq(waitpid(keeper, NULL, 0), keeper);
}
END_TEST

/* A child that adds and takes away all the time, until it is killed in the middle of something. */
static pid_t start_hurried(int address, _Atomic uint32_t *says)
{
    const pid_t pid = start_child();

    if (pid == 0) {
        fcgi_connection_counts_join(process);
        atomic_fetch_add(says, 1);
        for (;;) {
            fcgi_connection_counts_add(address, FCGI_COUNT_WAITING, 1);
            fcgi_connection_counts_add(address, FCGI_COUNT_WAITING, -1);
            MUST(fcgi_connection_counts_own(address, FCGI_COUNT_WAITING) == 0);
        }
    }
    return pid;
}

START_TEST(nothing_is_left_of_who_was_killed_between_two_steps)
{
    _Atomic uint32_t *says = shared_memory(sizeof(*says));
    const int address = fcgi_connection_counts_find("fcgi://127.0.0.1:9000");

    for (uint32_t i = 0; i < 200; i++) {
        const pid_t child = start_hurried(address, says);
        wait_for(says, i + 1);
        assert_is_killed(child);
    }
    /* the last of them stays in its row until it is looked for */
    const pid_t keeper = start_keeper(address, 5, says);
    wait_for(says, 201);
    ck_assert_int_eq(total_after_burial(address, 5), 5);
    ck_assert_int_eq(fcgi_connection_counts_total(address, FCGI_COUNT_WAITING), 0);
    assert_is_killed(keeper);
}
END_TEST

/* ---- Addresses and kinds --------------------------------------------------------------------- */

START_TEST(each_address_and_each_kind_is_counted_by_itself)
{
    const int a = fcgi_connection_counts_find("/run/a.sock");
    const int b = fcgi_connection_counts_find("/run/b.sock");

    fcgi_connection_counts_join(process);
    ck_assert_int_ne(a, b);
    ck_assert_int_eq(fcgi_connection_counts_find("/run/a.sock"), a);
    for (int kind = 0; kind <= FCGI_COUNT_PARKED; kind++) {
        fcgi_connection_counts_add(a, (fcgi_connection_counts_t)kind, 10 + kind);
        fcgi_connection_counts_add(b, (fcgi_connection_counts_t)kind, 20 + kind);
    }
    for (int kind = 0; kind <= FCGI_COUNT_PARKED; kind++) {
        const fcgi_connection_counts_t what = (fcgi_connection_counts_t)kind;
        ck_assert_int_eq(fcgi_connection_counts_total(a, what), 10 + kind);
        ck_assert_int_eq(fcgi_connection_counts_total(b, what), 20 + kind);
    }
}
END_TEST

START_TEST(addresses_beyond_the_last_number_share_one)
{
    char address[20];
    bool is_taken[256] = { false };

    fcgi_connection_counts_join(process);
    for (int i = 0; i < 1000; i++) {
        snprintf(address, sizeof(address), "10.0.0.1:%d", i);
        const int place = fcgi_connection_counts_find(address);
        ck_assert(place >= 0 && place < 256);
        ck_assert(is_taken[place] == (i >= 256));
        is_taken[place] = true;
        ck_assert_int_eq(fcgi_connection_counts_find(address), place);
    }
    const int shared = fcgi_connection_counts_find(address);
    fcgi_connection_counts_add(shared, FCGI_COUNT_KEPT, 5);
    ck_assert_int_eq(fcgi_connection_counts_total(shared, FCGI_COUNT_KEPT), 5);
}
END_TEST

START_TEST(what_has_no_number_is_not_counted)
{
    fcgi_connection_counts_join(process);
    fcgi_connection_counts_add(-1, FCGI_COUNT_KEPT, 5);
    ck_assert_int_eq(fcgi_connection_counts_total(-1, FCGI_COUNT_KEPT), 0);
    ck_assert_int_eq(fcgi_connection_counts_own(-1, FCGI_COUNT_KEPT), -1);
}
END_TEST

/* A restart opens it again; after one with more processes there is a new table. */
START_TEST(what_is_counted_outlives_a_restart)
{
    const int address = fcgi_connection_counts_find("/run/a.sock");

    fcgi_connection_counts_join(process);
    fcgi_connection_counts_add(address, FCGI_COUNT_KEPT, 3);
    ck_assert_int_eq(fcgi_connection_counts_open(process, 4), APR_SUCCESS);
    ck_assert_int_eq(fcgi_connection_counts_find("/run/a.sock"), address);
    ck_assert_int_eq(fcgi_connection_counts_total(address, FCGI_COUNT_KEPT), 3);
    ck_assert_int_eq(fcgi_connection_counts_open(process, 2), APR_SUCCESS);
    ck_assert_int_eq(fcgi_connection_counts_total(address, FCGI_COUNT_KEPT), 3);
}
END_TEST

/* ---- Who counts ------------------------------------------------------------------------------ */

START_TEST(who_has_not_joined_counts_nothing)
{
    const int address = fcgi_connection_counts_find("/run/a.sock");

    fcgi_connection_counts_add(address, FCGI_COUNT_KEPT, 3);
    ck_assert_int_eq(fcgi_connection_counts_total(address, FCGI_COUNT_KEPT), 0);
    ck_assert_int_eq(fcgi_connection_counts_own(address, FCGI_COUNT_KEPT), -1);
}
END_TEST

START_TEST(nobody_takes_away_more_than_was_added)
{
    const int address = fcgi_connection_counts_find("/run/a.sock");

    ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
    fcgi_connection_counts_join(process);
    fcgi_connection_counts_add(address, FCGI_COUNT_KEPT, 1);
    fcgi_connection_counts_add(address, FCGI_COUNT_KEPT, -2);
}
END_TEST

START_TEST(rows_of_the_dead_are_taken_again)
{
    _Atomic uint32_t *says = shared_memory(sizeof(*says));
    const int address = fcgi_connection_counts_find("fcgi://127.0.0.1:9000");

    for (uint32_t i = 0; i < 60; i++) {    /* more than there are rows */
        const pid_t keeper = start_keeper(address, 5, says);
        wait_for(says, i + 1);
        assert_is_killed(keeper);
    }
    ck_assert_int_eq(total_after_burial(address, 0), 0);
}
END_TEST

START_TEST(who_leaves_counts_no_more)
{
    const int address = fcgi_connection_counts_find("fcgi://127.0.0.1:9000");
    const pid_t child = start_child();

    if (child == 0) {
        apr_pool_t *pchild;
        apr_pool_create(&pchild, process);
        fcgi_connection_counts_join(pchild);
        fcgi_connection_counts_add(address, FCGI_COUNT_PARKED, 7);
        MUST(fcgi_connection_counts_total(address, FCGI_COUNT_PARKED) == 7);
        apr_pool_destroy(pchild);
        _exit(0);
    }
    assert_ends_well(child);
    ck_assert_int_eq(fcgi_connection_counts_total(address, FCGI_COUNT_PARKED), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("connection_counts");
    TCase *dead = tcase_create("the dead"), *counting = tcase_create("counting");

    tcase_add_checked_fixture(dead, begin, end);
    tcase_set_timeout(dead, 50);
    tcase_set_tags(dead, NEEDS_ROBUST);
    tcase_add_test(dead, processes_add_up_and_the_killed_count_no_more);
    tcase_add_test(dead, a_process_id_that_is_in_use_keeps_no_dead_process_counted);
    tcase_add_test(dead, nothing_is_left_of_who_was_killed_between_two_steps);
    tcase_add_test(dead, rows_of_the_dead_are_taken_again);
    suite_add_tcase(suite, dead);

    tcase_add_checked_fixture(counting, begin, end);
    tcase_add_test(counting, each_address_and_each_kind_is_counted_by_itself);
    tcase_add_test(counting, addresses_beyond_the_last_number_share_one);
    tcase_add_test(counting, what_has_no_number_is_not_counted);
    tcase_add_test(counting, what_is_counted_outlives_a_restart);
    tcase_add_test(counting, who_has_not_joined_counts_nothing);
    tcase_add_test(counting, who_leaves_counts_no_more);
    tcase_add_test_raise_signal(counting, nobody_takes_away_more_than_was_added, SIGABRT);
    suite_add_tcase(suite, counting);
    return run_suite(suite);
}
