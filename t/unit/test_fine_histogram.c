/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_fine_histogram.c - fine buckets of durations, and the percentiles of what is in them. */
#include <check.h>

#include "fine_histogram.h"
#include "run_suite.h"

static uint64_t buckets[LB_FINE_BUCKETS];
static uint64_t sum;

static void nothing(void)
{
    for (int i = 0; i < LB_FINE_BUCKETS; i++) {
        buckets[i] = 0;
    }
    sum = 0;
}

static void add(int64_t took, uint64_t times)
{
    buckets[lb_fine_histogram_bucket(took)] += times;
    sum += (uint64_t)took * times;
}

static int64_t mean(void)
{
    return (int64_t)(sum / lb_fine_histogram_count(buckets));
}

static int64_t percentile(int percent)
{
    return lb_fine_histogram_percentile(buckets, lb_fine_histogram_count(buckets), mean(), percent);
}

static void assert_near(int64_t value, int64_t wanted, double part)
{
    ck_assert_msg(llabs(value - wanted) <= (int64_t)((double)wanted * part + 0.5),
                  "%lld is not near %lld", (long long)value, (long long)wanted);
}

START_TEST(every_duration_has_a_bucket_and_longer_ones_no_earlier)
{
    int before = 0;

    ck_assert_int_eq(lb_fine_histogram_bucket(0), 0);
    ck_assert_int_eq(lb_fine_histogram_bucket(31), 0);
    ck_assert_int_eq(lb_fine_histogram_bucket(32), 1);
    for (int64_t took = 1; took < INT64_C(300000000); took += took / 100 + 1) {
        const int bucket = lb_fine_histogram_bucket(took);
        ck_assert(bucket == before || bucket == before + 1);
        before = bucket;
    }
    ck_assert_int_eq(before, LB_FINE_BUCKETS - 1);
    ck_assert_int_eq(lb_fine_histogram_bucket((INT64_C(1) << LB_FINE_LAST_BIT) - 1),
                     LB_FINE_BUCKETS - 2);
    ck_assert_int_eq(lb_fine_histogram_bucket(INT64_MAX), LB_FINE_BUCKETS - 1);
}
END_TEST

START_TEST(of_one_duration_again_and_again_every_percentile_is_that_one)
{
    add(700000, 1000);
    for (int percent = 1; percent <= 100; percent++) {
        ck_assert_int_eq(percentile(percent), 700000);
    }
}
END_TEST

START_TEST(of_two_kinds_of_durations_each_is_right_to_a_few_percent)
{
    for (int64_t took = 40; took < INT64_C(130000000); took += took / 37 + 1) {
        nothing();
        add(took / 4, 50);
        add(took, 50);
        assert_near(percentile(51), took, 0.065);
        assert_near(percentile(99), took, 0.065);
        if (took / 4 >= 32) {
            assert_near(percentile(1), took / 4, 0.065);
            assert_near(percentile(50), took / 4, 0.065);
        }
    }
}
END_TEST

START_TEST(of_an_even_spread_the_percentiles_are_where_they_belong)
{
    for (int64_t took = 1000; took <= 100000; took += 10) {
        add(took, 1);
    }
    assert_near(percentile(50), 50500, 0.065);
    assert_near(percentile(95), 95050, 0.065);
    assert_near(percentile(99), 99010, 0.065);
    assert_near(mean(), 50500, 0.001);
}
END_TEST

START_TEST(percentiles_never_fall_with_the_percent)
{
    for (int i = 0; i < LB_FINE_BUCKETS; i++) {
        buckets[i] = (uint64_t)(i * 7 % 5);
    }
    for (int percent = 1; percent < 100; percent++) {
        ck_assert_int_le(percentile(percent), percentile(percent + 1));
    }
}
END_TEST

START_TEST(below_and_beyond_the_buckets_little_is_known)
{
    add(10, 5);
    add(INT64_C(1000000000), 5);
    ck_assert_int_eq(percentile(50), 16);
    ck_assert_int_eq(percentile(51), INT64_C(1) << LB_FINE_LAST_BIT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fine_histogram");
    TCase *tc = tcase_create("fine_times");

    tcase_add_checked_fixture(tc, nothing, NULL);
    tcase_add_test(tc, every_duration_has_a_bucket_and_longer_ones_no_earlier);
    tcase_add_test(tc, of_one_duration_again_and_again_every_percentile_is_that_one);
    tcase_add_test(tc, of_two_kinds_of_durations_each_is_right_to_a_few_percent);
    tcase_add_test(tc, of_an_even_spread_the_percentiles_are_where_they_belong);
    tcase_add_test(tc, percentiles_never_fall_with_the_percent);
    tcase_add_test(tc, below_and_beyond_the_buckets_little_is_known);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
