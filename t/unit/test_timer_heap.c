/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_timer_heap.c - timers come in their order, whatever was moved or taken out before. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "run_suite.h"
#include "timer_heap.h"

enum {
    TIMERS = 500,
    DEEDS = 20000,
    TIMES = 300    /* fewer than timers: some are due at the same time */
};

static fcgi_timer_heap_t heap;
static fcgi_timer_t timers[TIMERS];

static void begin(void)
{
    heap = (fcgi_timer_heap_t){ 0 };
    memset(timers, 0, sizeof(timers));
}

static void end(void)
{
    fcgi_timer_heap_end(&heap);
}

static unsigned random_below(unsigned limit)
{
    static unsigned state = 1;

    state = state * 1103515245u + 12345u;
    return (state >> 8) % limit;
}

/* The first by looking at all. */
static int64_t least(void)
{
    int64_t at = INT64_MAX;

    for (int i = 0; i < TIMERS; i++) {
        at = timers[i].place && timers[i].at < at ? timers[i].at : at;
    }
    return at;
}

START_TEST(an_empty_heap_has_no_first)
{
    ck_assert_ptr_null(fcgi_timer_heap_first(&heap));
    fcgi_timer_heap_remove(&heap, &timers[0]);    /* it is not in it */
    ck_assert_ptr_null(fcgi_timer_heap_first(&heap));
}
END_TEST

START_TEST(all_come_in_their_order)
{
    for (int i = 0; i < TIMERS; i++) {
        ck_assert(fcgi_timer_heap_set(&heap, &timers[i], random_below(TIMES)));
    }
    int64_t before = -1;
    for (int i = 0; i < TIMERS; i++) {
        fcgi_timer_t *first = fcgi_timer_heap_first(&heap);
        ck_assert_int_ge(first->at, before);
        before = first->at;
        fcgi_timer_heap_remove(&heap, first);
        ck_assert_uint_eq(first->place, 0);
    }
    ck_assert_ptr_null(fcgi_timer_heap_first(&heap));
}
END_TEST

START_TEST(a_timer_can_be_moved_both_ways)
{
    for (int i = 0; i < 10; i++) {
        ck_assert(fcgi_timer_heap_set(&heap, &timers[i], 10 * i));
    }
    ck_assert(fcgi_timer_heap_set(&heap, &timers[0], 95));
    ck_assert_ptr_eq(fcgi_timer_heap_first(&heap), &timers[1]);
    ck_assert(fcgi_timer_heap_set(&heap, &timers[9], 5));
    ck_assert_ptr_eq(fcgi_timer_heap_first(&heap), &timers[9]);
    ck_assert_uint_eq(heap.count, 10);
}
END_TEST

START_TEST(whatever_is_done_the_first_is_due_first)
{
    for (int i = 0; i < DEEDS; i++) {
        fcgi_timer_t *timer = &timers[random_below(TIMERS)];
        if (random_below(3) == 0) {
            fcgi_timer_heap_remove(&heap, timer);
        }
        else {
            ck_assert(fcgi_timer_heap_set(&heap, timer, random_below(TIMES)));
        }
        const fcgi_timer_t *first = fcgi_timer_heap_first(&heap);
        ck_assert_int_eq(first ? first->at : INT64_MAX, least());
    }
}
END_TEST

START_TEST(at_the_end_none_is_in_it)
{
    for (int i = 0; i < 10; i++) {
        ck_assert(fcgi_timer_heap_set(&heap, &timers[i], i));
    }
    fcgi_timer_heap_end(&heap);
    for (int i = 0; i < 10; i++) {
        fcgi_timer_heap_remove(&heap, &timers[i]);    /* as who still thinks so */
        ck_assert_uint_eq(timers[i].place, 0);
    }
}
END_TEST

START_TEST(a_timer_out_of_order_is_found)
{
    for (int i = 0; i < 10; i++) {
        ck_assert(fcgi_timer_heap_set(&heap, &timers[i], 10 * i));
    }
    ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
    timers[7].at = 0;
    fcgi_timer_heap_check(&heap);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("timer_heap");
    TCase *tc = tcase_create("timers");
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, an_empty_heap_has_no_first);
    tcase_add_test(tc, all_come_in_their_order);
    tcase_add_test(tc, a_timer_can_be_moved_both_ways);
    tcase_add_test(tc, whatever_is_done_the_first_is_due_first);
    tcase_add_test(tc, at_the_end_none_is_in_it);
    tcase_add_test_raise_signal(tc, a_timer_out_of_order_is_found, SIGABRT);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
