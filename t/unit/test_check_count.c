/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_check_count.c - checks in a row: when a member goes out of service, and when it comes
 * back. */
#include <check.h>

#include "check_count.h"
#include "run_suite.h"

/* Run results (P passed, F failed) through the rule and write down what follows from each: D goes
 * down, U comes up, a dot nothing. */
static const char *run(const char *results, int hcpasses, int hcfails)
{
    static char said[64];
    lb_check_row_t row = { 0 };
    bool is_out = false;
    size_t i;

    for (i = 0; results[i]; i++) {
        switch (lb_check_count(&row, results[i] == 'P', is_out, hcpasses, hcfails)) {
        case LB_CHECK_GOES_DOWN:
            is_out = true;
            said[i] = 'D';
            break;
        case LB_CHECK_COMES_UP:
            is_out = false;
            said[i] = 'U';
            break;
        default:
            said[i] = '.';
        }
    }
    said[i] = '\0';
    return said;
}

START_TEST(failures_that_are_not_in_a_row_change_nothing)
{
    ck_assert_str_eq(run("FFPFFP", 2, 3), "......");
    ck_assert_str_eq(run("FFPFFPFFPFFP", 1, 3), "............");
}
END_TEST

START_TEST(failures_in_a_row_put_it_out_once)
{
    ck_assert_str_eq(run("PFFFFF", 2, 3), "...D..");
    ck_assert_str_eq(run("F", 1, 1), "D");
}
END_TEST

START_TEST(passes_in_a_row_bring_it_back_once)
{
    ck_assert_str_eq(run("FFFPPPP", 2, 3), "..D.U..");
    ck_assert_str_eq(run("FP", 1, 1), "DU");
}
END_TEST

START_TEST(passes_that_are_not_in_a_row_do_not_bring_it_back)
{
    ck_assert_str_eq(run("FFFPFPFPP", 2, 3), "..D.....U");
}
END_TEST

START_TEST(after_it_came_back_all_failures_count_anew)
{
    ck_assert_str_eq(run("FFFPPFFPFFF", 2, 3), "..D.U.....D");
}
END_TEST

START_TEST(zero_is_taken_for_one)
{
    ck_assert_str_eq(run("PFPF", 0, 0), ".DUD");
}
END_TEST

START_TEST(an_operator_who_takes_it_back_is_overruled_by_the_next_failure)
{
    lb_check_row_t row = { 0 };
    ck_assert_int_eq(lb_check_count(&row, false, false, 1, 2), LB_CHECK_STAYS);
    ck_assert_int_eq(lb_check_count(&row, false, false, 1, 2), LB_CHECK_GOES_DOWN);
    ck_assert_int_eq(lb_check_count(&row, false, false, 1, 2), LB_CHECK_GOES_DOWN);
}
END_TEST

START_TEST(counts_stop_at_their_largest_value)
{
    lb_check_row_t row = { .passes = UINT16_MAX };
    ck_assert_int_eq(lb_check_count(&row, true, true, 2, 2), LB_CHECK_COMES_UP);
    ck_assert_uint_eq(row.passes, UINT16_MAX);
    ck_assert_uint_eq(row.fails, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("check_count");
    TCase *c = tcase_create("in a row");
    tcase_add_test(c, failures_that_are_not_in_a_row_change_nothing);
    tcase_add_test(c, failures_in_a_row_put_it_out_once);
    tcase_add_test(c, passes_in_a_row_bring_it_back_once);
    tcase_add_test(c, passes_that_are_not_in_a_row_do_not_bring_it_back);
    tcase_add_test(c, after_it_came_back_all_failures_count_anew);
    tcase_add_test(c, zero_is_taken_for_one);
    tcase_add_test(c, an_operator_who_takes_it_back_is_overruled_by_the_next_failure);
    tcase_add_test(c, counts_stop_at_their_largest_value);
    suite_add_tcase(s, c);
    return run_suite(s);
}
