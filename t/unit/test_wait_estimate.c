/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_wait_estimate.c - how long requests will wait, and what clients are told of it. */
#include "shared_table.h"
#include "wait_estimate.h"

#define SECOND INT64_C(1000000)

/* ---- How long members take ------------------------------------------------------------------- */

START_TEST(nothing_is_known_before_the_first_has_ended)
{
    const lb_service_t service = { 0 };
    ck_assert_uint_eq(lb_service_mean(&service, 5 * SECOND), 0);
}
END_TEST

START_TEST(mean_follows_what_is_measured)
{
    lb_service_t service = { 0 };
    lb_service_note(&service, 200000, SECOND);
    ck_assert_uint_eq(lb_service_mean(&service, SECOND), 200000);
    for (int i = 0; i < 200; i++) {
        lb_service_note(&service, 400000, SECOND);
    }
    ck_assert_uint_gt(lb_service_mean(&service, SECOND), 395000);
    ck_assert_uint_le(lb_service_mean(&service, SECOND), 400000);
    for (int i = 0; i < 200; i++) {
        lb_service_note(&service, 100000, SECOND);
    }
    ck_assert_uint_lt(lb_service_mean(&service, SECOND), 105000);
}
END_TEST

START_TEST(single_slow_answer_hardly_moves_it)
{
    lb_service_t service = { 0 };
    lb_service_note(&service, 200000, SECOND);
    lb_service_note(&service, 60 * SECOND, SECOND);
    ck_assert_uint_eq(lb_service_mean(&service, SECOND), 200000 + 600000 / 16);
}
END_TEST

START_TEST(mean_of_half_a_minute_ago_says_nothing)
{
    lb_service_t service = { 0 };
    lb_service_note(&service, 20 * SECOND, SECOND);
    ck_assert_uint_eq(lb_service_mean(&service, 31 * SECOND), 20 * SECOND);
    ck_assert_uint_eq(lb_service_mean(&service, 31 * SECOND + 1), 0);
    lb_service_note(&service, 1000, 40 * SECOND);
    ck_assert_uint_eq(lb_service_mean(&service, 40 * SECOND), 1000);
}
END_TEST

START_TEST(times_out_of_any_range_are_taken)
{
    lb_service_t service = { 0 };
    lb_service_note(&service, -5, SECOND);
    ck_assert_uint_eq(lb_service_mean(&service, SECOND), 1);
    service = (lb_service_t){ 0 };
    lb_service_note(&service, INT64_MAX, SECOND);
    ck_assert_uint_eq(lb_service_mean(&service, SECOND), UINT32_MAX);
    lb_service_note(&service, INT64_MAX, SECOND);
    ck_assert_uint_eq(lb_service_mean(&service, SECOND), UINT32_MAX);
}
END_TEST

/* ---- How long the wait is -------------------------------------------------------------------- */

START_TEST(wait_is_that_of_those_before_at_the_speed_of_all_places)
{
    ck_assert_int_eq(lb_wait_estimate(16, 4, 8 * SECOND), 32 * SECOND);
    ck_assert_int_eq(lb_wait_estimate(0, 4, 8 * SECOND), 0);
    ck_assert_int_eq(lb_wait_estimate(100, 0, SECOND), 0);
    ck_assert_int_eq(lb_wait_estimate(100, 4, 0), 0);
}
END_TEST

START_TEST(quick_and_slow_members_share_the_requests)
{
    lb_capacity_t capacity = { 0 };
    lb_capacity_add(&capacity, 10, 100000);     /* 100/s */
    lb_capacity_add(&capacity, 10, 1000000);    /* 10/s */
    ck_assert_uint_eq(capacity.places, 20);
    ck_assert_int_eq(lb_capacity_mean(&capacity), 181818);
    ck_assert_int_eq(lb_wait_estimate(110, capacity.places, lb_capacity_mean(&capacity)) / 10000,
                     99);
}
END_TEST

START_TEST(member_that_was_not_measured_is_taken_to_be_like_the_others)
{
    lb_capacity_t capacity = { 0 };
    lb_capacity_add(&capacity, 4, 200000);
    lb_capacity_add(&capacity, 4, 0);
    ck_assert_int_eq(lb_capacity_mean(&capacity), 200000);
    ck_assert_uint_eq(capacity.places, 8);
}
END_TEST

static bool is_hopeless(uint64_t ahead, uint32_t limit, uint32_t mean_us)
{
    lb_capacity_t capacity = { 0 };
    lb_capacity_add(&capacity, limit, mean_us);
    return lb_wait_is_hopeless(ahead, &capacity, 5 * SECOND);
}

START_TEST(who_would_wait_longer_than_it_may_is_refused)
{
    ck_assert(!is_hopeless(100, 4, 200000));
    ck_assert(is_hopeless(101, 4, 200000));
}
END_TEST

START_TEST(nobody_is_refused_when_nothing_was_measured_or_a_member_has_no_limit)
{
    ck_assert(!is_hopeless(1000000, 4, 0));
    ck_assert(!is_hopeless(1000000, 0, 200000));
}
END_TEST

START_TEST(nobody_is_refused_while_fewer_wait_than_are_served_at_a_time)
{
    ck_assert(!is_hopeless(3, 4, UINT32_MAX));
    ck_assert(is_hopeless(4, 4, UINT32_MAX));
}
END_TEST

/* ---- Retry-After ----------------------------------------------------------------------------- */

START_TEST(retry_after_is_the_estimate_and_a_quarter_more_or_less)
{
    ck_assert_int_eq(lb_wait_retry_after(20 * SECOND, 0), 15);
    ck_assert_int_eq(lb_wait_retry_after(20 * SECOND, UINT32_MAX / 2), 20);
    ck_assert_int_eq(lb_wait_retry_after(20 * SECOND, UINT32_MAX), 25);
}
END_TEST

START_TEST(retry_after_is_a_second_at_least_and_a_minute_at_most)
{
    static const uint32_t randoms[] = { 0, 1, UINT32_MAX / 3, UINT32_MAX };
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(lb_wait_retry_after(0, randoms[i]), 1);
        ck_assert_int_eq(lb_wait_retry_after(-SECOND, randoms[i]), 1);
        ck_assert_int_le(lb_wait_retry_after(INT64_MAX, randoms[i]), 60);
        ck_assert_int_ge(lb_wait_retry_after(INT64_MAX, randoms[i]), 45);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wait estimate");
    TCase *tc = tcase_create("wait estimate");
    tcase_add_test(tc, nothing_is_known_before_the_first_has_ended);
    tcase_add_test(tc, mean_follows_what_is_measured);
    tcase_add_test(tc, single_slow_answer_hardly_moves_it);
    tcase_add_test(tc, mean_of_half_a_minute_ago_says_nothing);
    tcase_add_test(tc, times_out_of_any_range_are_taken);
    tcase_add_test(tc, wait_is_that_of_those_before_at_the_speed_of_all_places);
    tcase_add_test(tc, quick_and_slow_members_share_the_requests);
    tcase_add_test(tc, member_that_was_not_measured_is_taken_to_be_like_the_others);
    tcase_add_test(tc, who_would_wait_longer_than_it_may_is_refused);
    tcase_add_test(tc, nobody_is_refused_when_nothing_was_measured_or_a_member_has_no_limit);
    tcase_add_test(tc, nobody_is_refused_while_fewer_wait_than_are_served_at_a_time);
    tcase_add_test(tc, retry_after_is_the_estimate_and_a_quarter_more_or_less);
    tcase_add_test(tc, retry_after_is_a_second_at_least_and_a_minute_at_most);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
