/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_slow_start.c - the climb itself, and what it does to the shares of an election. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "election.h"
#include "run_suite.h"
#include "slow_start.h"

#define SECOND INT64_C(1000000)
#define NOW    (INT64_C(1700000000) * SECOND)

START_TEST(whoever_does_not_climb_has_all)
{
    ck_assert_uint_eq(lb_slow_start_held_back(0, 10 * SECOND, NOW), 0);
    ck_assert_uint_eq(lb_slow_start_held_back(NOW, 0, NOW), 0);
    ck_assert_uint_eq(lb_slow_start_held_back(NOW, 10 * SECOND, NOW + 10 * SECOND), 0);
    ck_assert_uint_eq(lb_slow_start_held_back(NOW, 10 * SECOND, NOW + 1000 * SECOND), 0);
    ck_assert_uint_eq(lb_slow_start_held_back(NOW, 10 * SECOND, NOW - 1), 0);
}
END_TEST

START_TEST(climb_begins_small_and_is_even)
{
    ck_assert_uint_eq(lb_slow_start_held_back(NOW, 10 * SECOND, NOW), 9900);
    ck_assert_uint_eq(lb_slow_start_held_back(NOW, 10 * SECOND, NOW + SECOND / 20), 9900);
    for (uint32_t second = 1; second < 10; second++) {
        ck_assert_uint_eq(lb_slow_start_held_back(NOW, 10 * SECOND, NOW + second * SECOND),
                          10000 - second * 1000);
    }
}
END_TEST

/* ---- In an election -------------------------------------------------------------------------- */

static _Atomic uint64_t clock_, pass[2];

/* Two members of these weights, `held_back` of the second one's share; how much it gets. */
static uint32_t won_by_second(uint32_t first_weight, uint32_t weight, uint32_t held_back,
                              uint32_t elections)
{
    const lb_candidate_t members[] = { { &pass[0], first_weight },
                                       { &pass[1], weight, held_back } };
    uint32_t won = 0;
    for (uint32_t i = 0; i < elections; i++) {
        won += lb_election_elect(&clock_, members, 2) == 1;
    }
    return won;
}

START_TEST(half_a_share_is_a_weight_of_half)
{
    clock_ = pass[0] = pass[1] = 0;
    ck_assert_int_le(abs((int)won_by_second(100, 100, 5000, 3000) - 1000), 1);
}
END_TEST

START_TEST(first_share_is_one_in_a_hundred_of_the_weight)
{
    clock_ = pass[0] = pass[1] = 0;
    ck_assert_int_le(abs((int)won_by_second(300, 600, 9900, 30600) - 600), 1);
}
END_TEST

/* 100 elections a second, slowstart=10: the second of two equal members gets, in each second, what
 * its share at that time is, whatever it waited for before. */
START_TEST(share_follows_the_climb)
{
    const int64_t slowstart = 10 * SECOND;
    uint32_t won_before = 0, won = 0;

    clock_ = pass[0] = pass[1] = 0;
    for (int i = 1; i <= 1000; i++) {
        const uint32_t held_back =
            lb_slow_start_held_back(NOW, slowstart, NOW + i * SECOND / 100);
        won += won_by_second(100, 100, held_back, 1);
        if (i % 100 == 0) {
            const double share = (i / 100 - 0.5) / 10;    /* in the middle of this second */
            const double expected = 100 * share / (1 + share);
            if (fabs(won - won_before - expected) > 4) {
                ck_abort_msg("second %d: %u, expected %g", i / 100, won - won_before, expected);
            }
            won_before = won;
        }
    }
    ck_assert_int_le(abs((int)won_by_second(100, 100, 0, 100) - 50), 1);
}
END_TEST

START_TEST(credit_tells_how_far_off_the_turn_is)
{
    const lb_candidate_t full = { &pass[1], 100, 0 }, held_back = { &pass[1], 100, 9000 };
    clock_ = pass[0] = pass[1] = 1000000;
    ck_assert_int_eq(lb_election_credit(&clock_, &full), 0);
    ck_assert_int_eq(lb_election_credit(&clock_, &held_back), -900);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("slow_start");
    TCase *tc = tcase_create("slow_start");
    tcase_add_test(tc, whoever_does_not_climb_has_all);
    tcase_add_test(tc, climb_begins_small_and_is_even);
    tcase_add_test(tc, half_a_share_is_a_weight_of_half);
    tcase_add_test(tc, first_share_is_one_in_a_hundred_of_the_weight);
    tcase_add_test(tc, share_follows_the_climb);
    tcase_add_test(tc, credit_tells_how_far_off_the_turn_is);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
