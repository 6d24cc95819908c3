/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_connection_counts.c - what processes add up to, and what is left of those that
 * were killed. */
#include <check.h>
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
    TCase *tc = tcase_create("occupancy");

    tcase_add_checked_fixture(tc, begin, end);
    tcase_set_timeout(tc, 50);
    tcase_add_test(tc, processes_add_up_and_the_killed_count_no_more);
    tcase_add_test(tc, a_process_id_that_is_in_use_keeps_no_dead_process_counted);
    tcase_add_test(tc, rows_of_the_dead_are_taken_again);
    tcase_add_test(tc, who_leaves_counts_no_more);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
