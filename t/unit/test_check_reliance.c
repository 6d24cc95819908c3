/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_check_reliance.c - when another front's check stands for our own, and for how long. */
#include <check.h>

#include "check_reliance.h"
#include "run_suite.h"

#define NOW INT64_C(1000000)

static const lb_check_reliance_t well = { .told_at = NOW, .interval = 100, .has_passed = true };

START_TEST(it_stands_for_two_intervals)
{
    ck_assert_int_eq(lb_check_reliance(&well, NOW), 200);
    ck_assert_int_eq(lb_check_reliance(&well, NOW + 199), 1);
    ck_assert_int_eq(lb_check_reliance(&well, NOW + 200), 0);
    ck_assert_int_eq(lb_check_reliance(&well, NOW + 100000), 0);
}
END_TEST

START_TEST(nothing_told_stands_for_nothing)
{
    lb_check_reliance_t facts = well;
    facts.told_at = 0;
    ck_assert_int_eq(lb_check_reliance(&facts, 150), 0);
    ck_assert_int_eq(lb_check_reliance(&facts, NOW), 0);
}
END_TEST

START_TEST(it_stands_for_nothing_unless_all_is_well_here)
{
    lb_check_reliance_t facts = well;
    facts.has_passed = false;
    ck_assert_int_eq(lb_check_reliance(&facts, NOW), 0);
    facts = well;
    facts.is_out = true;
    ck_assert_int_eq(lb_check_reliance(&facts, NOW), 0);
}
END_TEST

START_TEST(numbers_are_read_by_each)
{
    lb_check_reliance_t facts = well;
    facts.reads_numbers = true;
    ck_assert_int_eq(lb_check_reliance(&facts, NOW), 0);
}
END_TEST

START_TEST(what_was_told_later_than_now_stands_for_nothing)
{
    ck_assert_int_eq(lb_check_reliance(&well, NOW - 1), 0);
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("check_reliance");
    tcase_add_test(c, it_stands_for_two_intervals);
    tcase_add_test(c, nothing_told_stands_for_nothing);
    tcase_add_test(c, it_stands_for_nothing_unless_all_is_well_here);
    tcase_add_test(c, numbers_are_read_by_each);
    tcase_add_test(c, what_was_told_later_than_now_stands_for_nothing);

    Suite *s = suite_create("check_reliance");
    suite_add_tcase(s, c);
    return run_suite(s);
}
