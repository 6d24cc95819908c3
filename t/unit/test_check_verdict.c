/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_check_verdict.c - what a check says about a member: all outcomes, with all that is seen. */
#include "check_verdict.h"
#include "run_suite.h"

static const lb_outcome_t silences[] = {
    LB_CONNECT_TIMEOUT,
    LB_CONNECT_BUSY,
    LB_FIRST_BYTE_TIMEOUT,
    LB_READ_TIMEOUT,
    LB_WRITE_TIMEOUT,
    LB_TOTAL_TIMEOUT,
    LB_OVERLOADED,
};

static bool is_silence(lb_outcome_t outcome)
{
    for (int i = 0; i < COUNT(silences); i++) {
        if (silences[i] == outcome) {
            return true;
        }
    }
    return false;
}

static lb_check_facts_t facts_of(int bits)
{
    return (lb_check_facts_t){ .has_answered = bits & 1,
                               .has_requests = (bits & 2) != 0,
                               .is_mute = (bits & 4) != 0 };
}

/* By outcome and by the three facts as bits. */
START_TEST(every_outcome_with_all_that_is_seen)
{
    const lb_outcome_t outcome = (lb_outcome_t)(_i / 8);
    const lb_check_facts_t facts = facts_of(_i % 8);
    lb_check_verdict_t expected = LB_CHECK_FAILED;

    if (outcome == LB_SERVED) {
        expected = LB_CHECK_PASSED;
    }
    else if (is_silence(outcome)
             && (facts.has_answered || (facts.has_requests && !facts.is_mute))) {
        expected = LB_CHECK_BUSY;
    }
    ck_assert_msg(lb_check_verdict(outcome, &facts) == expected, "%s, facts %d",
                  lb_outcome_word(outcome), _i % 8);
}
END_TEST

START_TEST(silent_member_with_nothing_to_do_has_failed)
{
    const lb_check_facts_t idle = { .has_requests = false };
    ck_assert_int_eq(lb_check_verdict(silences[_i], &idle), LB_CHECK_FAILED);
}
END_TEST

START_TEST(silent_member_with_requests_is_busy_until_it_is_mute)
{
    lb_check_facts_t facts = { .has_requests = true };
    ck_assert_int_eq(lb_check_verdict(silences[_i], &facts), LB_CHECK_BUSY);
    facts.is_mute = true;
    ck_assert_int_eq(lb_check_verdict(silences[_i], &facts), LB_CHECK_FAILED);
}
END_TEST

START_TEST(silent_member_that_answered_meanwhile_is_busy)
{
    const lb_check_facts_t facts = { .has_answered = true };
    ck_assert_int_eq(lb_check_verdict(silences[_i], &facts), LB_CHECK_BUSY);
}
END_TEST

START_TEST(what_was_said_counts_whatever_else_is_seen)
{
    static const lb_outcome_t said[] = { LB_CONNECT_REFUSED, LB_CONNECT_FAILED, LB_BACKEND_EOF,
                                         LB_PROTOCOL, LB_BAD_STATUS, LB_BAD_RESPONSE,
                                         LB_TLS_FAILED };
    for (int i = 0; i < COUNT(said); i++) {
        const lb_check_facts_t facts = facts_of(_i);
        ck_assert_int_eq(lb_check_verdict(said[i], &facts), LB_CHECK_FAILED);
    }
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("check_verdict");

    tcase_add_loop_test(tc, every_outcome_with_all_that_is_seen, 0, LB_OUTCOME_COUNT * 8);
    tcase_add_loop_test(tc, silent_member_with_nothing_to_do_has_failed, 0, COUNT(silences));
    tcase_add_loop_test(tc, silent_member_with_requests_is_busy_until_it_is_mute, 0,
                        COUNT(silences));
    tcase_add_loop_test(tc, silent_member_that_answered_meanwhile_is_busy, 0, COUNT(silences));
    tcase_add_loop_test(tc, what_was_said_counts_whatever_else_is_seen, 0, 8);
    Suite *suite = suite_create("check_verdict");
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
