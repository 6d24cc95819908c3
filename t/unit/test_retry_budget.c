/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_retry_budget.c - how many requests may be sent again. */
#include "retry_budget.h"
#include "shared_table.h"

#define SECOND INT64_C(1000000)

static int take_all(fc_retry_budget_t *budget, int64_t now)
{
    int taken = 0;
    while (fc_retry_budget_take(budget, now)) {
        taken++;
    }
    return taken;
}

static void count(fc_retry_budget_t *budget, int tries, int64_t now)
{
    for (int i = 0; i < tries; i++) {
        fc_retry_budget_count(budget, now);
    }
}

START_TEST(few_may_be_sent_again_at_any_time)
{
    fc_retry_budget_t budget = { 0 };
    ck_assert_uint_eq(fc_retry_budget_left(&budget, SECOND), 10);
    ck_assert_int_eq(take_all(&budget, SECOND), 10);
    ck_assert_uint_eq(fc_retry_budget_left(&budget, SECOND), 0);
    ck_assert_int_eq(take_all(&budget, 100 * SECOND), 10);
}
END_TEST

START_TEST(one_in_five_of_many)
{
    fc_retry_budget_t budget = { 0 };
    count(&budget, 1000, 100 * SECOND);
    ck_assert_int_eq(take_all(&budget, 101 * SECOND), 210);
    count(&budget, 5, 102 * SECOND);
    ck_assert_int_eq(take_all(&budget, 102 * SECOND), 1);
}
END_TEST

START_TEST(window_that_has_just_begun_goes_on_with_the_one_before)
{
    fc_retry_budget_t budget = { 0 };
    count(&budget, 1000, 100 * SECOND);
    ck_assert(fc_retry_budget_take(&budget, 100 * SECOND));
    ck_assert_uint_eq(fc_retry_budget_left(&budget, 111 * SECOND), 209);
    ck_assert_int_eq(take_all(&budget, 111 * SECOND), 209);
    count(&budget, 100, 111 * SECOND);
    ck_assert_uint_eq(fc_retry_budget_left(&budget, 119 * SECOND), 20);
}
END_TEST

START_TEST(what_was_long_ago_is_forgotten)
{
    fc_retry_budget_t budget = { 0 };
    count(&budget, 1000, 100 * SECOND);
    take_all(&budget, 100 * SECOND);
    ck_assert_uint_eq(fc_retry_budget_left(&budget, 120 * SECOND), 10);
    count(&budget, 5, 125 * SECOND);
    ck_assert_uint_eq(fc_retry_budget_left(&budget, 125 * SECOND), 11);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("retry budget");
    TCase *tc = tcase_create("retry budget");
    tcase_add_test(tc, few_may_be_sent_again_at_any_time);
    tcase_add_test(tc, one_in_five_of_many);
    tcase_add_test(tc, window_that_has_just_begun_goes_on_with_the_one_before);
    tcase_add_test(tc, what_was_long_ago_is_forgotten);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
