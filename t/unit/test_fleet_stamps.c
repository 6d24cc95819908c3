/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_fleet_stamps.c - between which times of its own clock a front knows that a stamp was given. */
#include "fleet_stamps.h"

#include "run_suite.h"

#define SPAN 6000

START_TEST(stamp_lies_between_the_answer_without_it_and_the_answer_with_it)
{
    lb_stamps_t stamps = { 0 };
    lb_stamps_note(&stamps, 5, 1000, 1010, SPAN);
    lb_stamps_note(&stamps, 9, 2000, 2010, SPAN);
    lb_stamps_note(&stamps, 9, 3000, 3010, SPAN);
    ck_assert_int_eq(lb_stamps_not_before(&stamps, 7), 1000);
    ck_assert_int_eq(lb_stamps_not_after(&stamps, 7), 2010);
    ck_assert_int_eq(lb_stamps_not_after(&stamps, 9), 2010);
    ck_assert_int_eq(lb_stamps_not_before(&stamps, 10), 3000);
}
END_TEST

START_TEST(what_was_never_seen_is_not_known)
{
    lb_stamps_t stamps = { 0 };
    ck_assert_int_eq(lb_stamps_not_before(&stamps, 1), LB_STAMPS_UNKNOWN);
    ck_assert_int_eq(lb_stamps_not_after(&stamps, 1), LB_STAMPS_TO_COME);
    lb_stamps_note(&stamps, 5, 1000, 1010, SPAN);
    ck_assert_int_eq(lb_stamps_not_before(&stamps, 5), LB_STAMPS_UNKNOWN);
    ck_assert_int_eq(lb_stamps_not_after(&stamps, 6), LB_STAMPS_TO_COME);
}
END_TEST

START_TEST(past_is_known_for_the_span_however_often_answers_come)
{
    for (int64_t every = 1; every < SPAN; every = every * 3 + 1) {
        lb_stamps_t stamps = { 0 };
        int64_t now = 0;
        for (uint64_t stamp = 1; now < 100 * SPAN; stamp++, now += every) {
            lb_stamps_note(&stamps, stamp, now, now, SPAN);
        }
        const uint64_t old = stamps.answers[stamps.count - 1].stamp - (uint64_t)(SPAN / every);
        const int64_t given = (int64_t)(old - 1) * every;
        ck_assert_int_le(lb_stamps_not_before(&stamps, old), given);
        ck_assert_int_ge(lb_stamps_not_after(&stamps, old), given);
        ck_assert_int_le(lb_stamps_not_after(&stamps, old), given + SPAN / 16 + every);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fleet stamps");
    TCase *tc = tcase_create("fleet stamps");
    tcase_add_test(tc, stamp_lies_between_the_answer_without_it_and_the_answer_with_it);
    tcase_add_test(tc, what_was_never_seen_is_not_known);
    tcase_add_test(tc, past_is_known_for_the_span_however_often_answers_come);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
