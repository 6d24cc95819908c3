/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_fleet_evidence.c - how many failures are needed when other fronts see a member failing. */
#include <check.h>

#include "fleet_evidence.h"
#include "run_suite.h"

static uint32_t needed(uint16_t failing, uint16_t others, uint32_t max)
{
    return lb_fleet_evidence_failures_needed(
        (lb_fleet_evidence_t){ .failing = failing, .others = others }, max);
}

START_TEST(alone_maxfails_holds)
{
    ck_assert_uint_eq(needed(0, 0, 3), 3);
    ck_assert_uint_eq(needed(0, 0, 1), 1);
}
END_TEST

START_TEST(others_that_see_nothing_change_nothing)
{
    ck_assert_uint_eq(needed(0, 1, 3), 3);
    ck_assert_uint_eq(needed(0, 9, 3), 3);
}
END_TEST

START_TEST(half_of_the_others_is_enough_for_one_less)
{
    ck_assert_uint_eq(needed(1, 1, 3), 2);
    ck_assert_uint_eq(needed(1, 2, 3), 2);
    ck_assert_uint_eq(needed(1, 3, 3), 3);
    ck_assert_uint_eq(needed(2, 3, 3), 2);
    ck_assert_uint_eq(needed(4, 9, 3), 3);
    ck_assert_uint_eq(needed(5, 9, 3), 2);
}
END_TEST

START_TEST(it_is_never_more_than_one_less_and_never_none)
{
    for (uint16_t others = 1; others <= 32; others++) {
        for (uint16_t failing = 0; failing <= others; failing++) {
            for (uint32_t max = 1; max <= 16; max++) {
                const uint32_t n = needed(failing, others, max);
                ck_assert_uint_ge(n, 1);
                ck_assert(n == max || n == max - 1);
            }
        }
    }
    ck_assert_uint_eq(needed(9, 9, 1), 1);
}
END_TEST

START_TEST(a_word_holds_both)
{
    for (uint32_t i = 0; i <= UINT16_MAX; i += 13) {
        const lb_fleet_evidence_t in = { .failing = (uint16_t)i,
                                         .others = (uint16_t)(UINT16_MAX - i) };
        const lb_fleet_evidence_t out = lb_fleet_evidence_of(lb_fleet_evidence_word(in));
        ck_assert_uint_eq(out.failing, in.failing);
        ck_assert_uint_eq(out.others, in.others);
    }
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("fleet_evidence");
    tcase_add_test(c, alone_maxfails_holds);
    tcase_add_test(c, others_that_see_nothing_change_nothing);
    tcase_add_test(c, half_of_the_others_is_enough_for_one_less);
    tcase_add_test(c, it_is_never_more_than_one_less_and_never_none);
    tcase_add_test(c, a_word_holds_both);

    Suite *s = suite_create("fleet_evidence");
    suite_add_tcase(s, c);
    return run_suite(s);
}
