/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_duty.c - one of many has a duty; whoever is killed has it no more. */
#include <pthread.h>

#include "apr_general.h"
#include "duty.h"
#include "processes.h"
#include "run_suite.h"

static apr_pool_t *process;

static void set_up(void)
{
    apr_initialize();
    apr_pool_create(&process, NULL);
}

static void tear_down(void)
{
    apr_terminate();
}

static fc_duty_t open_duty(void)
{
    fc_duty_t duty = { .is_ours = false };
    ck_assert_int_eq(fc_duty_open(&duty, "chores", process), APR_SUCCESS);
    return duty;
}

START_TEST(the_next_configuration_outdates_the_one_before)
{
    const fc_duty_t first = open_duty();
    ck_assert(!fc_duty_is_outdated(&first));
    const fc_duty_t second = open_duty();
    ck_assert(fc_duty_is_outdated(&first));
    ck_assert(!fc_duty_is_outdated(&second));
    ck_assert_ptr_eq(first.shared, second.shared);
}
END_TEST

START_TEST(who_has_it_keeps_it_and_may_give_it_up_twice)
{
    fc_duty_t duty = open_duty();

    ck_assert(fc_duty_take(&duty));
    ck_assert(fc_duty_take(&duty));
    fc_duty_give_up(&duty);
    fc_duty_give_up(&duty);
    ck_assert(fc_duty_take(&duty));
}
END_TEST

START_TEST(a_killed_process_leaves_it_to_the_next)
{
    fc_duty_t duty = open_duty();
    _Atomic uint32_t *taken = shared_memory(sizeof(*taken));
    const pid_t holder = start_child();

    if (holder == 0) {
        atomic_store(taken, fc_duty_take(&duty));
        pause();
    }
    wait_until_set(taken);
    ck_assert(!fc_duty_take(&duty));
    assert_is_killed(holder);
    ck_assert(fc_duty_take(&duty));
}
END_TEST

/* ---- Threads, for ThreadSanitizer: each is what a process is in httpd -------------------------- */

enum { THREADS = 4,
       TURNS = 5000 };

static fc_duty_t shared_duty;
static int turns;    /* not atomic: the duty guards it */

static void *take_turns(void *unused)
{
    fc_duty_t own = shared_duty;

    for (int done = 0; done < TURNS;) {
        if (fc_duty_take(&own)) {
            turns++;
            done++;
            fc_duty_give_up(&own);
        }
        else {
            sched_yield();
        }
    }
    return unused;
}

START_TEST(only_one_has_it_at_a_time)
{
    pthread_t threads[THREADS];

    shared_duty = open_duty();
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, take_turns, NULL), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    ck_assert_int_eq(turns, THREADS * TURNS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("duty");
    TCase *processes = tcase_create("processes");
    TCase *killed = tcase_create("killed processes");
    TCase *threads = tcase_create("threads");

    tcase_add_checked_fixture(processes, set_up, tear_down);
    tcase_add_test(processes, the_next_configuration_outdates_the_one_before);
    tcase_add_test(processes, who_has_it_keeps_it_and_may_give_it_up_twice);
    suite_add_tcase(suite, processes);
    tcase_add_checked_fixture(killed, set_up, tear_down);
    tcase_set_tags(killed, NEEDS_ROBUST);
    tcase_add_test(killed, a_killed_process_leaves_it_to_the_next);
    suite_add_tcase(suite, killed);
    tcase_add_checked_fixture(threads, set_up, tear_down);
    tcase_add_test(threads, only_one_has_it_at_a_time);
    suite_add_tcase(suite, threads);
    return run_suite(suite);
}
