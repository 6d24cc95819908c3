/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_duty_thread.c - a duty's thread starts and ends: duty_thread.h. */
#include <check.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "apr_general.h"
#include "duty_thread.h"
#include "run_suite.h"

static fc_duty_thread_t work;
static int runs, ends;    /* looked at when it has ended */

static void set_up(void)
{
    apr_initialize();
    runs = ends = 0;
}

static void tear_down(void)
{
    apr_terminate();
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *unused)
{
    struct pollfd end = { .fd = work.stop_pipe[0], .events = POLLIN };

    runs++;
    ends += poll(&end, 1, -1) == 1 && (end.revents & POLLHUP);
    return NULL;
}

static int descriptors(void)
{
    const int lowest = dup(STDIN_FILENO);
    close(lowest);
    return lowest;
}

START_TEST(it_runs_until_it_is_told_to_end_and_can_start_again)
{
    const int before = descriptors();

    for (int i = 1; i <= 2; i++) {
        ck_assert_int_eq(fc_duty_thread_start(&work, run), APR_SUCCESS);
        fc_duty_thread_tell(&work);
        fc_duty_thread_join(&work);
        ck_assert_int_eq(runs, i);
        ck_assert_int_eq(ends, i);
        ck_assert_int_eq(descriptors(), before);
    }
}
END_TEST

START_TEST(without_a_descriptor_it_does_not_start)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    const rlim_t all = limit.rlim_cur;
    limit.rlim_cur = (rlim_t)descriptors();
    setrlimit(RLIMIT_NOFILE, &limit);
    ck_assert(APR_STATUS_IS_EMFILE(fc_duty_thread_start(&work, run)));
    limit.rlim_cur = all;
    setrlimit(RLIMIT_NOFILE, &limit);
    ck_assert_int_eq(runs, 0);
    ck_assert_int_eq(fc_duty_thread_start(&work, run), APR_SUCCESS);
    fc_duty_thread_tell(&work);
    fc_duty_thread_join(&work);
    ck_assert_int_eq(runs, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("duty_thread");
    TCase *threads = tcase_create("threads");

    tcase_add_checked_fixture(threads, set_up, tear_down);
    tcase_add_test(threads, it_runs_until_it_is_told_to_end_and_can_start_again);
    tcase_add_test(threads, without_a_descriptor_it_does_not_start);
    suite_add_tcase(suite, threads);
    return run_suite(suite);
}
