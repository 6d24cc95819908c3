/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_failover.c - what follows a failed try, for every outcome. */
#include <check.h>
#include <stdlib.h>

#include "failover.h"

/* ---- The table ------------------------------------------------------------------------------- */

/* For a request that is replayable and has no byte of an answer, one letter for each decision:
 *     -  give up    S  same member    N  next member
 * and one column for each circumstance: first death or second, within the budget or over it. */
typedef struct {
    lb_outcome_t outcome;
    const char *may_not_run_twice;
    const char *may_run_twice;
} row_t;

static const row_t table[] = {
    { LB_SERVED,             "----", "----" },
    { LB_CLIENT_ABORT,       "----", "----" },
    { LB_CLIENT_ERROR,       "----", "----" },
    { LB_CONNECT_REFUSED,    "NNNN", "NNNN" },
    { LB_CONNECT_TIMEOUT,    "NNNN", "NNNN" },
    { LB_CONNECT_BUSY,       "NNNN", "NNNN" },
    { LB_CONNECT_FAILED,     "NNNN", "NNNN" },
    { LB_TLS_FAILED,         "NNNN", "NNNN" },
    { LB_STALE,              "----", "S-S-" },
    { LB_FIRST_BYTE_TIMEOUT, "----", "----" },
    { LB_READ_TIMEOUT,       "----", "----" },
    { LB_WRITE_TIMEOUT,      "----", "----" },
    { LB_TOTAL_TIMEOUT,      "----", "----" },
    { LB_BACKEND_EOF,        "----", "N---" },
    { LB_PROTOCOL,           "----", "----" },
    { LB_BAD_RESPONSE,       "----", "----" },
    { LB_OVERLOADED,         "NNNN", "NNNN" },
    { LB_TOO_BIG_HEADER,     "----", "----" },
    { LB_BAD_STATUS,         "----", "----" },
    { LB_NO_MEMBER,          "----", "----" },
    { LB_QUEUE_FULL,         "----", "----" },
    { LB_QUEUE_TIMEOUT,      "----", "----" },
    { LB_FILTER_ERROR,       "----", "----" },
    { LB_FILE_ERROR,         "----", "----" },
};
#define ROWS (sizeof(table) / sizeof(table[0]))

static fcgi_retry_t decision_of(char letter)
{
    switch (letter) {
    case '-': return FCGI_GIVE_UP;
    case 'S': return FCGI_SAME_MEMBER;
    case 'N': return FCGI_NEXT_MEMBER;
    default: ck_abort_msg("no such letter: %c", letter);
    }
}

static void assert_decision(const fcgi_try_t *failed, char letter)
{
    const fcgi_retry_t decision = fcgi_failover_decide(failed);
    if (decision != decision_of(letter)) {
        ck_abort_msg("%s, twice %d, deaths %d, over budget %d: %d",
                     lb_outcome_word(failed->outcome), failed->may_run_twice, failed->deaths,
                     failed->is_over_budget, (int)decision);
    }
}

START_TEST(every_outcome_is_decided_as_the_table_says)
{
    const row_t *row = &table[_i];
    for (int i = 0; i < 4; i++) {
        fcgi_try_t failed = { .outcome = row->outcome, .is_replayable = true,
                              .deaths = i & 2 ? FCGI_DEATHS_MAX : 1, .is_over_budget = i & 1 };
        assert_decision(&failed, row->may_not_run_twice[i]);
        failed.may_run_twice = true;
        assert_decision(&failed, row->may_run_twice[i]);
    }
}
END_TEST

START_TEST(table_has_a_row_for_every_outcome)
{
    ck_assert_uint_eq(ROWS, LB_OUTCOME_COUNT);
    for (size_t i = 0; i < ROWS; i++) {
        ck_assert_uint_eq(table[i].outcome, i);
    }
}
END_TEST

/* ---- In words -------------------------------------------------------------------------------- */

START_TEST(nothing_is_sent_twice_once_a_byte_came_back_or_the_body_is_gone)
{
    for (int bits = 0; bits < 16; bits++) {
        for (int outcome = 0; outcome < LB_OUTCOME_COUNT; outcome++) {
            const fcgi_try_t failed = { .outcome = (lb_outcome_t)outcome,
                                        .may_run_twice = bits & 1, .is_replayable = bits & 2,
                                        .was_answered = bits & 4, .deaths = 1,
                                        .is_over_budget = bits & 8 };
            if (failed.was_answered || !failed.is_replayable) {
                ck_assert_int_eq(fcgi_failover_decide(&failed), FCGI_GIVE_UP);
            }
        }
    }
}
END_TEST

START_TEST(request_that_may_have_run_is_repeated_only_when_it_may_run_twice)
{
    fcgi_try_t failed = { .outcome = LB_BACKEND_EOF, .is_replayable = true, .deaths = 1 };
    ck_assert_int_eq(fcgi_failover_decide(&failed), FCGI_GIVE_UP);
    failed.may_run_twice = true;
    ck_assert_int_eq(fcgi_failover_decide(&failed), FCGI_NEXT_MEMBER);
}
END_TEST

START_TEST(request_that_two_backends_died_on_is_not_given_to_a_third)
{
    const fcgi_try_t failed = { .outcome = LB_BACKEND_EOF, .may_run_twice = true,
                                .is_replayable = true, .deaths = 2 };
    ck_assert_int_eq(fcgi_failover_decide(&failed), FCGI_GIVE_UP);
}
END_TEST

START_TEST(request_that_never_left_goes_on_whatever_its_method)
{
    const fcgi_try_t failed = { LB_CONNECT_REFUSED, .is_replayable = true };
    ck_assert_int_eq(fcgi_failover_decide(&failed), FCGI_NEXT_MEMBER);
}
END_TEST

START_TEST(outcome_out_of_range_gives_up)
{
    const fcgi_try_t failed = { .outcome = LB_OUTCOME_COUNT, .may_run_twice = true,
                                .is_replayable = true };
    ck_assert_int_eq(fcgi_failover_decide(&failed), FCGI_GIVE_UP);
}
END_TEST

/* ---- Methods --------------------------------------------------------------------------------- */

START_TEST(methods_of_rfc_9110_and_propfind_are_idempotent_and_no_others)
{
    for (int method = -1; method <= METHODS; method++) {
        const bool expected = method == M_GET || method == M_PUT || method == M_DELETE
                              || method == M_OPTIONS || method == M_TRACE || method == M_PROPFIND;
        if (fcgi_failover_is_idempotent(method) != expected) {
            ck_abort_msg("method %d", method);
        }
    }
}
END_TEST

START_TEST(methods_that_change_something_each_time_are_not_idempotent)
{
    ck_assert(!fcgi_failover_is_idempotent(M_POST));
    ck_assert(!fcgi_failover_is_idempotent(M_PATCH));
    ck_assert(!fcgi_failover_is_idempotent(M_CONNECT));
    ck_assert(!fcgi_failover_is_idempotent(M_LOCK));
    ck_assert(!fcgi_failover_is_idempotent(M_INVALID));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("failover");
    TCase *tc = tcase_create("failover");
    tcase_add_loop_test(tc, every_outcome_is_decided_as_the_table_says, 0, ROWS);
    tcase_add_test(tc, table_has_a_row_for_every_outcome);
    tcase_add_test(tc, nothing_is_sent_twice_once_a_byte_came_back_or_the_body_is_gone);
    tcase_add_test(tc, request_that_may_have_run_is_repeated_only_when_it_may_run_twice);
    tcase_add_test(tc, request_that_two_backends_died_on_is_not_given_to_a_third);
    tcase_add_test(tc, request_that_never_left_goes_on_whatever_its_method);
    tcase_add_test(tc, outcome_out_of_range_gives_up);
    tcase_add_test(tc, methods_of_rfc_9110_and_propfind_are_idempotent_and_no_others);
    tcase_add_test(tc, methods_that_change_something_each_time_are_not_idempotent);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
