/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_times.c - buckets of durations, and percentiles between their bounds. */
#include <check.h>
#include <stdlib.h>

#include "times.h"

enum { INFINITE = LB_TIMES_BUCKETS - 1 };

START_TEST(bounds_are_one_two_and_five_of_each_power_of_ten)
{
    ck_assert_int_eq(lb_times_bound(0), 100);
    ck_assert_int_eq(lb_times_bound(1), 200);
    ck_assert_int_eq(lb_times_bound(2), 500);
    ck_assert_int_eq(lb_times_bound(3), 1000);
    ck_assert_int_eq(lb_times_bound(12), 1000000);
    ck_assert_int_eq(lb_times_bound(18), 100000000);
    ck_assert_int_eq(lb_times_bound(INFINITE), INT64_MAX);
}
END_TEST

START_TEST(a_duration_lies_in_the_first_bucket_that_is_not_below_it)
{
    ck_assert_int_eq(lb_times_bucket(0), 0);
    for (int i = 0; i < INFINITE; i++) {
        ck_assert_int_eq(lb_times_bucket(lb_times_bound(i) - 1), i);
        ck_assert_int_eq(lb_times_bucket(lb_times_bound(i)), i);
        ck_assert_int_eq(lb_times_bucket(lb_times_bound(i) + 1), i + 1);
    }
    ck_assert_int_eq(lb_times_bucket(200000001), INFINITE);
    ck_assert_int_eq(lb_times_bucket(500000001), INFINITE);
    ck_assert_int_eq(lb_times_bucket(INT64_MAX), INFINITE);
}
END_TEST

START_TEST(of_nothing_there_is_no_percentile)
{
    const uint64_t none[LB_TIMES_BUCKETS] = { 0 };
    ck_assert_int_eq(lb_times_percentile(none, 50), -1);
    ck_assert_uint_eq(lb_times_count(none), 0);
}
END_TEST

START_TEST(percentile_lies_between_the_bounds_of_its_bucket)
{
    uint64_t buckets[LB_TIMES_BUCKETS] = { 0 };
    buckets[3] = 100;    /* 500 us to 1 ms */
    ck_assert_int_eq(lb_times_percentile(buckets, 50), 750);
    ck_assert_int_eq(lb_times_percentile(buckets, 99), 995);
    ck_assert_int_eq(lb_times_percentile(buckets, 100), 1000);
    buckets[0] = 100;    /* up to 100 us */
    ck_assert_int_eq(lb_times_percentile(buckets, 25), 50);
    ck_assert_int_eq(lb_times_percentile(buckets, 50), 100);
    ck_assert_int_eq(lb_times_percentile(buckets, 75), 750);
    ck_assert_uint_eq(lb_times_count(buckets), 200);
}
END_TEST

START_TEST(a_single_duration_has_every_percentile_in_its_bucket)
{
    for (int i = 0; i < INFINITE; i++) {
        uint64_t buckets[LB_TIMES_BUCKETS] = { 0 };
        buckets[i] = 1;
        for (int percent = 1; percent <= 100; percent++) {
            const apr_interval_time_t p = lb_times_percentile(buckets, percent);
            ck_assert(p >= (i ? lb_times_bound(i - 1) : 0) && p <= lb_times_bound(i));
        }
    }
}
END_TEST

START_TEST(beyond_the_last_bound_that_bound_is_all_that_is_known)
{
    uint64_t buckets[LB_TIMES_BUCKETS] = { 0 };
    buckets[INFINITE] = 3;
    ck_assert_int_eq(lb_times_percentile(buckets, 50), 100000000);
    buckets[0] = 3;
    ck_assert_int_eq(lb_times_percentile(buckets, 50), 100);
    ck_assert_int_eq(lb_times_percentile(buckets, 51), 100000000);
}
END_TEST

START_TEST(percentiles_never_fall_with_the_percent)
{
    uint64_t buckets[LB_TIMES_BUCKETS];
    for (int i = 0; i < LB_TIMES_BUCKETS; i++) {
        buckets[i] = (uint64_t)(i * 7 % 5);
    }
    for (int percent = 1; percent < 100; percent++) {
        ck_assert_int_le(lb_times_percentile(buckets, percent),
                         lb_times_percentile(buckets, percent + 1));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("times");
    TCase *tc = tcase_create("times");
    tcase_add_test(tc, bounds_are_one_two_and_five_of_each_power_of_ten);
    tcase_add_test(tc, a_duration_lies_in_the_first_bucket_that_is_not_below_it);
    tcase_add_test(tc, of_nothing_there_is_no_percentile);
    tcase_add_test(tc, percentile_lies_between_the_bounds_of_its_bucket);
    tcase_add_test(tc, a_single_duration_has_every_percentile_in_its_bucket);
    tcase_add_test(tc, beyond_the_last_bound_that_bound_is_all_that_is_known);
    tcase_add_test(tc, percentiles_never_fall_with_the_percent);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
