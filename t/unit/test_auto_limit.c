/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_auto_limit.c - what FPM's own numbers say about how much a pool serves. */
#include "auto_limit.h"
#include "shared_table.h"

static lb_pool_reading_t reading(lb_pm_t pm, uint32_t total, uint32_t active, uint32_t most,
                                 uint32_t reached)
{
    return (lb_pool_reading_t){ .process_manager = pm,
                                .start_time = 1700000000,
                                .total_processes = total,
                                .active_processes = active,
                                .max_active_processes = most,
                                .max_children_reached = reached };
}

static uint32_t read_it(lb_auto_limit_t *known, lb_pool_reading_t r)
{
    return lb_auto_limit_read(known, &r, 0);
}

START_TEST(static_pool_says_it_at_once_and_follows)
{
    lb_auto_limit_t known = { 0 };
    ck_assert_uint_eq(lb_auto_limit_of(&known), 0);
    ck_assert_uint_eq(read_it(&known, reading(LB_PM_STATIC, 16, 1, 3, 0)), 16);
    ck_assert_uint_eq(read_it(&known, reading(LB_PM_STATIC, 12, 1, 3, 0)), 12);
    ck_assert_uint_eq(lb_auto_limit_of(&known), 12);
}
END_TEST

START_TEST(growing_pool_has_no_limit_before_it_was_full)
{
    static const lb_pm_t managers[] = { LB_PM_DYNAMIC, LB_PM_ONDEMAND };
    lb_auto_limit_t known = { 0 };
    const lb_pm_t pm = managers[_i];
    ck_assert_uint_eq(read_it(&known, reading(pm, 2, 1, 1, 0)), 0);
    ck_assert_uint_eq(read_it(&known, reading(pm, 7, 7, 7, 0)), 0);
    ck_assert_uint_eq(read_it(&known, reading(pm, 8, 8, 8, 1)), 8);
    ck_assert_uint_eq(read_it(&known, reading(pm, 2, 1, 8, 1)), 8);    /* it has shrunk again */
}
END_TEST

START_TEST(pool_that_shrank_before_it_was_read_is_as_large_as_it_worked)
{
    lb_auto_limit_t known = { 0 };
    ck_assert_uint_eq(read_it(&known, reading(LB_PM_DYNAMIC, 5, 1, 8, 1)), 8);
}
END_TEST

START_TEST(more_that_run_are_taken_in)
{
    lb_auto_limit_t known = { 0 };
    ck_assert_uint_eq(read_it(&known, reading(LB_PM_DYNAMIC, 6, 5, 6, 1)), 6);
    ck_assert_uint_eq(read_it(&known, reading(LB_PM_DYNAMIC, 8, 6, 6, 1)), 8);
}
END_TEST

START_TEST(reload_forgets_all)
{
    lb_auto_limit_t known = { 0 };
    lb_pool_reading_t r = reading(LB_PM_DYNAMIC, 8, 8, 8, 1);
    ck_assert_uint_eq(read_it(&known, r), 8);
    r = reading(LB_PM_DYNAMIC, 2, 1, 1, 0);
    r.start_time++;
    ck_assert_uint_eq(read_it(&known, r), 0);
    r = reading(LB_PM_DYNAMIC, 4, 4, 4, 1);
    r.start_time++;
    ck_assert_uint_eq(read_it(&known, r), 4);
    r = reading(LB_PM_STATIC, 3, 1, 1, 0);
    ck_assert_uint_eq(read_it(&known, r), 3);
}
END_TEST

START_TEST(unknown_process_manager_has_no_limit)
{
    lb_auto_limit_t known = { 0 };
    ck_assert_uint_eq(read_it(&known, reading(LB_PM_UNKNOWN, 8, 8, 8, 3)), 0);
}
END_TEST

/* ---- The backlog ----------------------------------------------------------------------------- */

static uint32_t read_with(lb_auto_limit_t *known, uint32_t active, uint32_t backlog,
                          uint32_t in_flight)
{
    lb_pool_reading_t r = reading(LB_PM_STATIC, 16, active, 16, 0);
    r.listen_queue = backlog;
    return lb_auto_limit_read(known, &r, in_flight);
}

START_TEST(surplus_in_the_backlog_for_three_readings_corrects_downwards)
{
    lb_auto_limit_t known = { 0 };
    ck_assert_uint_eq(read_with(&known, 12, 4, 16), 16);
    ck_assert_uint_eq(read_with(&known, 12, 4, 16), 16);
    ck_assert_uint_eq(read_with(&known, 12, 4, 16), 12);
    ck_assert_uint_eq(read_with(&known, 12, 1, 12), 12);
}
END_TEST

START_TEST(backlog_of_others_or_for_a_moment_corrects_nothing)
{
    lb_auto_limit_t known = { 0 };
    for (int i = 0; i < 10; i++) {
        ck_assert_uint_eq(read_with(&known, 16, 4, 8), 16);
    }
    for (int i = 0; i < 10; i++) {
        ck_assert_uint_eq(read_with(&known, 12, i % 3 == 2 ? 0 : 4, 16), 16);
    }
}
END_TEST

START_TEST(correction_ends_when_the_backlog_is_clear_for_long)
{
    lb_auto_limit_t known = { 0 };
    for (int i = 0; i < 3; i++) {
        read_with(&known, 12, 4, 16);
    }
    for (int i = 0; i < 9; i++) {
        ck_assert_uint_eq(read_with(&known, 12, 0, 12), 12);
    }
    ck_assert_uint_eq(read_with(&known, 12, 0, 12), 16);
}
END_TEST

START_TEST(correction_never_leaves_nothing)
{
    lb_auto_limit_t known = { 0 };
    for (int i = 0; i < 3; i++) {
        read_with(&known, 0, 4, 16);
    }
    ck_assert_uint_eq(lb_auto_limit_of(&known), 1);
}
END_TEST

START_TEST(pool_whose_size_is_not_known_is_not_corrected)
{
    lb_auto_limit_t known = { 0 };
    lb_pool_reading_t r = reading(LB_PM_DYNAMIC, 4, 4, 4, 0);
    r.listen_queue = 9;
    for (int i = 0; i < 10; i++) {
        ck_assert_uint_eq(lb_auto_limit_read(&known, &r, 16), 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("auto limit");
    TCase *tc = tcase_create("auto limit");
    tcase_add_test(tc, static_pool_says_it_at_once_and_follows);
    tcase_add_loop_test(tc, growing_pool_has_no_limit_before_it_was_full, 0, 2);
    tcase_add_test(tc, pool_that_shrank_before_it_was_read_is_as_large_as_it_worked);
    tcase_add_test(tc, more_that_run_are_taken_in);
    tcase_add_test(tc, reload_forgets_all);
    tcase_add_test(tc, unknown_process_manager_has_no_limit);
    tcase_add_test(tc, surplus_in_the_backlog_for_three_readings_corrects_downwards);
    tcase_add_test(tc, backlog_of_others_or_for_a_moment_corrects_nothing);
    tcase_add_test(tc, correction_ends_when_the_backlog_is_clear_for_long);
    tcase_add_test(tc, correction_never_leaves_nothing);
    tcase_add_test(tc, pool_whose_size_is_not_known_is_not_corrected);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
