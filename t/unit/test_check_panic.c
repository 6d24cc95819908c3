/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_check_panic.c - hcpanic: how many members may be out for their checks. */
#include "check_panic.h"
#include "run_suite.h"

#define MEMBERS 8

static uint32_t bits_in(unsigned set)
{
    return (uint32_t)__builtin_popcount(set);
}

/* Members that are in `fails` fail their checks, one after the other from the first on, as long as
 * the rule lets them go.
 * returns  those that are out */
static unsigned run(int members, unsigned fails, int percent)
{
    unsigned out = 0;

    for (int i = 0; i < members; i++) {
        if ((fails & 1u << i) && !lb_check_panic((uint32_t)members, bits_in(out) + 1, percent)) {
            out |= 1u << i;
        }
    }
    return out;
}

/* Every number of members, every set of them that fails, every percentage: never are more out than
 * may be, and never fewer than fail and may be. */
START_TEST(as_many_go_as_may_and_no_more)
{
    for (unsigned fails = 0; fails < 1u << _i; fails++) {
        for (int percent = 0; percent <= 100; percent++) {
            const uint32_t most = (uint32_t)(_i * percent / 100),
                           out = bits_in(run(_i, fails, percent));
            ck_assert_uint_eq(out, bits_in(fails) < most ? bits_in(fails) : most);
        }
    }
}
END_TEST

START_TEST(by_default_half_of_them_may_go_or_the_only_one)
{
    static const uint32_t most[MEMBERS + 1] = { 0, 1, 1, 1, 2, 2, 3, 3, 4 };
    const int percent = lb_check_panic_default((uint32_t)_i);
    ck_assert_uint_eq(bits_in(run(_i, (1u << _i) - 1, percent)), most[_i]);
}
END_TEST

START_TEST(at_100_percent_all_go_and_at_0_none)
{
    const unsigned all = (1u << _i) - 1;
    ck_assert_uint_eq(run(_i, all, 100), all);
    ck_assert_uint_eq(run(_i, all, 0), 0);
}
END_TEST

START_TEST(large_numbers_do_not_overflow)
{
    ck_assert(lb_check_panic(UINT32_MAX, UINT32_MAX, 99));
    ck_assert(!lb_check_panic(UINT32_MAX, UINT32_MAX, 100));
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("check_panic");

    tcase_add_loop_test(tc, as_many_go_as_may_and_no_more, 1, MEMBERS + 1);
    tcase_add_loop_test(tc, by_default_half_of_them_may_go_or_the_only_one, 1, MEMBERS + 1);
    tcase_add_loop_test(tc, at_100_percent_all_go_and_at_0_none, 1, MEMBERS + 1);
    tcase_add_test(tc, large_numbers_do_not_overflow);
    Suite *suite = suite_create("check_panic");
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
