/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_housekeeper.c - tasks in the one thread of a child: housekeeper.h. */
#include <check.h>
#include <pthread.h>
#include <unistd.h>

#include "apr_allocator.h"
#include "apr_general.h"
#include "apr_thread_mutex.h"
#include "clock.h"
#include "housekeeper.h"
#include "run_suite.h"

/* What a task has seen. */
typedef struct {
    fc_task_t task;
    fc_housekeeper_t *keeper;
    fc_bell_t *bell;                /* to listen to; NULL: none */
    apr_interval_time_t pause;
    _Atomic int begun, runs, ended;
    pthread_t thread;
} chore_t;

static apr_pool_t *pchild;

static void set_up(void)
{
    apr_initialize();
    apr_pool_create(&pchild, NULL);
}

static void tear_down(void)
{
    apr_terminate();
}

/* At the end of each test: the tasks lie on its stack. */
static void end_child(void)
{
    apr_pool_destroy(pchild);
}

static void begin(void *data)
{
    chore_t *chore = data;
    ck_assert_int_eq(chore->runs, 0);
    chore->begun++;
    chore->thread = pthread_self();
    if (chore->bell) {
        fc_housekeeper_listen(chore->keeper, chore->bell);
    }
}

static apr_interval_time_t run(void *data)
{
    chore_t *chore = data;
    ck_assert(pthread_equal(chore->thread, pthread_self()));
    chore->runs++;
    return chore->pause;
}

static void end(void *data)
{
    chore_t *chore = data;
    ck_assert(pthread_equal(chore->thread, pthread_self()));
    chore->ended++;
    if (chore->bell) {
        fc_housekeeper_listen(chore->keeper, NULL);
    }
}

static void take_up(chore_t *chore, apr_interval_time_t pause)
{
    chore->keeper = fc_housekeeper(pchild);
    chore->pause = pause;
    chore->task = (fc_task_t){
        .begin = begin, .run = run, .end = end, .data = chore, .hears_bell = chore->bell != NULL
    };
    ck_assert_ptr_nonnull(chore->keeper);
    fc_housekeeper_add(chore->keeper, &chore->task, pchild);
}

static void wait_for_runs(chore_t *chore, int count)
{
    while (chore->runs < count) {
        usleep(1000);
    }
}

#define NEVER apr_time_from_sec(3600)

START_TEST(a_task_begins_and_runs_before_it_is_added)
{
    chore_t chore = { .pause = 0 };

    take_up(&chore, NEVER);
    ck_assert_int_eq(chore.begun, 1);
    ck_assert_int_eq(chore.runs, 1);
    end_child();
    ck_assert_int_eq(chore.runs, 1);
    ck_assert_int_eq(chore.ended, 1);
}
END_TEST

START_TEST(all_run_in_one_thread_which_is_not_the_caller)
{
    chore_t one = { .pause = 0 }, two = { .pause = 0 };

    take_up(&one, NEVER);
    take_up(&two, NEVER);
    ck_assert(pthread_equal(one.thread, two.thread));
    ck_assert(!pthread_equal(one.thread, pthread_self()));
    end_child();
}
END_TEST

START_TEST(a_task_runs_again_when_it_is_due)
{
    chore_t often = { .pause = 0 }, never = { .pause = 0 };

    take_up(&never, NEVER);
    take_up(&often, 1000);
    wait_for_runs(&often, 5);
    ck_assert_int_eq(never.runs, 1);
    end_child();
}
END_TEST

START_TEST(a_task_that_is_wanted_is_due)
{
    chore_t wanted = { .pause = 0 }, other = { .pause = 0 };

    take_up(&wanted, NEVER);
    take_up(&other, NEVER);
    fc_task_want(&wanted.task);
    wait_for_runs(&wanted, 2);
    ck_assert_int_eq(other.runs, 1);
    end_child();
}
END_TEST

START_TEST(who_hears_the_bell_runs_when_it_rings)
{
    fc_bell_t bell = 0;
    chore_t hears = { .bell = &bell }, other = { .pause = 0 };

    take_up(&other, NEVER);
    take_up(&hears, NEVER);
    const int before = hears.runs;
    fc_bell_ring(&bell);
    wait_for_runs(&hears, before + 1);
    ck_assert_int_eq(other.runs, 1);
    fc_task_want(&other.task);    /* wakes by the same bell */
    wait_for_runs(&other, 2);
    end_child();
}
END_TEST

START_TEST(tasks_end_in_the_reverse_order_and_its_own_bell_is_back)
{
    fc_bell_t bell = 0;
    chore_t first = { .pause = 0 }, hears = { .bell = &bell };

    take_up(&first, 1000);
    take_up(&hears, NEVER);
    end_child();    /* would hang if nobody woke it */
    ck_assert_int_eq(first.ended, 1);
    ck_assert_int_eq(hears.ended, 1);
}
END_TEST

/* prefork ends a child in its handler of SIGTERM, and so perhaps in the middle of an allocation. */
START_TEST(a_child_that_is_stopped_while_it_allocates_ends)
{
    apr_allocator_t *allocator;
    chore_t chore = { .pause = 0 };

    apr_allocator_create(&allocator);
    apr_pool_create_ex(&pchild, NULL, NULL, allocator);
    apr_allocator_owner_set(allocator, pchild);
    take_up(&chore, NEVER);
    apr_thread_mutex_t *lock = apr_allocator_mutex_get(allocator);
    ck_assert_ptr_nonnull(lock);
    apr_thread_mutex_lock(lock);
    end_child();    /* would hang if it took the lock */
    ck_assert_int_eq(chore.ended, 1);
}
END_TEST

/* ---- Threads, for ThreadSanitizer ------------------------------------------------------------ */

enum { WANTERS = 4,
       WANTS = 2000 };

static void *want_often(void *chore)
{
    for (int i = 0; i < WANTS; i++) {
        fc_task_want(&((chore_t *)chore)->task);
    }
    return NULL;
}

START_TEST(no_wish_is_lost)
{
    fc_bell_t bell = 0;
    chore_t chore = { .pause = 0 }, hears = { .bell = &bell };
    pthread_t threads[WANTERS];

    take_up(&chore, NEVER);
    take_up(&hears, NEVER);
    for (int i = 0; i < WANTERS; i++) {
        pthread_create(&threads[i], NULL, want_often, &chore);
    }
    for (int i = 0; i < WANTERS; i++) {
        pthread_join(threads[i], NULL);
    }
    const int before = chore.runs;
    fc_task_want(&chore.task);
    wait_for_runs(&chore, before + 1);
    end_child();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("housekeeper");
    TCase *tasks = tcase_create("tasks");
    TCase *threads = tcase_create("threads");

    tcase_add_checked_fixture(tasks, set_up, tear_down);
    tcase_add_test(tasks, a_task_begins_and_runs_before_it_is_added);
    tcase_add_test(tasks, all_run_in_one_thread_which_is_not_the_caller);
    tcase_add_test(tasks, a_task_runs_again_when_it_is_due);
    tcase_add_test(tasks, a_task_that_is_wanted_is_due);
    tcase_add_test(tasks, who_hears_the_bell_runs_when_it_rings);
    tcase_add_test(tasks, tasks_end_in_the_reverse_order_and_its_own_bell_is_back);
    tcase_add_test(tasks, a_child_that_is_stopped_while_it_allocates_ends);
    suite_add_tcase(suite, tasks);
    tcase_add_checked_fixture(threads, set_up, tear_down);
    tcase_add_test(threads, no_wish_is_lost);
    suite_add_tcase(suite, threads);
    return run_suite(suite);
}
