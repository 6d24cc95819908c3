/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_trace_random.c - no two processes or threads draw the same. */
#include <check.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apr_general.h"
#include "run_suite.h"
#include "trace_random.h"

#define DRAWS 1000

static bool occurs(const uint64_t *among, int count, uint64_t number)
{
    for (int i = 0; i < count; i++) {
        if (among[i] == number) {
            return true;
        }
    }
    return false;
}

static void draw(uint64_t *numbers)
{
    fcgi_trace_random(numbers, DRAWS / 2);
    fcgi_trace_random(numbers + DRAWS / 2, DRAWS / 2);
}

START_TEST(numbers_differ_and_use_all_bits)
{
    uint64_t numbers[DRAWS], ones = 0, zeros = 0;

    draw(numbers);
    for (int i = 0; i < DRAWS; i++) {
        ck_assert(!occurs(numbers, i, numbers[i]));
        ones |= numbers[i];
        zeros |= ~numbers[i];
    }
    ck_assert(ones == UINT64_MAX && zeros == UINT64_MAX);
}
END_TEST

static void *draw_in_thread(void *numbers)
{
    draw(numbers);
    return NULL;
}

START_TEST(threads_draw_different_numbers)
{
    static uint64_t here[DRAWS], there[DRAWS];
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, draw_in_thread, there), 0);
    draw(here);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    for (int i = 0; i < DRAWS; i++) {
        ck_assert(!occurs(here, DRAWS, there[i]));
    }
}
END_TEST

START_TEST(child_draws_other_numbers_than_its_parent)
{
    uint64_t here, there = 0;
    int ends[2];

    fcgi_trace_random(&here, 1);    /* it is seeded */
    ck_assert_int_eq(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        fcgi_trace_random_fork();
        fcgi_trace_random(&there, 1);
        _exit(write(ends[1], &there, sizeof(there)) == sizeof(there) ? 0 : 1);
    }
    fcgi_trace_random(&here, 1);
    ck_assert_int_eq((int)read(ends[0], &there, sizeof(there)), (int)sizeof(there));
    ck_assert(here != there);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trace_random");
    TCase *numbers = tcase_create("numbers"), *threads = tcase_create("threads");

    apr_initialize();
    tcase_add_test(numbers, numbers_differ_and_use_all_bits);
    tcase_add_test(numbers, child_draws_other_numbers_than_its_parent);
    tcase_add_test(threads, threads_draw_different_numbers);
    suite_add_tcase(suite, numbers);
    suite_add_tcase(suite, threads);
    return run_suite(suite);
}
