/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_histogram.c - buckets of durations. */
#include <check.h>

#include "histogram.h"
#include "run_suite.h"

enum { INFINITE = LB_HISTOGRAM_BUCKETS - 1 };

START_TEST(bounds_are_one_two_and_five_of_each_power_of_ten)
{
    ck_assert_int_eq(lb_histogram_bound(0), 100);
    ck_assert_int_eq(lb_histogram_bound(1), 200);
    ck_assert_int_eq(lb_histogram_bound(2), 500);
    ck_assert_int_eq(lb_histogram_bound(3), 1000);
    ck_assert_int_eq(lb_histogram_bound(12), 1000000);
    ck_assert_int_eq(lb_histogram_bound(18), 100000000);
    ck_assert_int_eq(lb_histogram_bound(INFINITE), INT64_MAX);
}
END_TEST

START_TEST(a_duration_lies_in_the_first_bucket_that_is_not_below_it)
{
    ck_assert_int_eq(lb_histogram_bucket(0), 0);
    for (int i = 0; i < INFINITE; i++) {
        ck_assert_int_eq(lb_histogram_bucket(lb_histogram_bound(i) - 1), i);
        ck_assert_int_eq(lb_histogram_bucket(lb_histogram_bound(i)), i);
        ck_assert_int_eq(lb_histogram_bucket(lb_histogram_bound(i) + 1), i + 1);
    }
    ck_assert_int_eq(lb_histogram_bucket(200000001), INFINITE);
    ck_assert_int_eq(lb_histogram_bucket(500000001), INFINITE);
    ck_assert_int_eq(lb_histogram_bucket(INT64_MAX), INFINITE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("histogram");
    TCase *tc = tcase_create("times");
    tcase_add_test(tc, bounds_are_one_two_and_five_of_each_power_of_ten);
    tcase_add_test(tc, a_duration_lies_in_the_first_bucket_that_is_not_below_it);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
