/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_failover.c - what follows a failed try, for every outcome under all 32 circumstances. */
#include <check.h>
#include <stdlib.h>

#include "failover.h"

/* ---- The table ------------------------------------------------------------------------------- */

/* One column for each circumstance, one letter for each decision:
 *     -  give up    S  same member    N  next member
 * The four letters of a group are: first try on a new connection, the same resent, on a kept
 * connection, the same resent. The groups run from "no" to "yes". */
typedef struct {
    lb_outcome_t outcome;
    const char *replayable[2];     /* by is_idempotent; nothing of a response came */
    const char *answered[2];       /* replayable, but a byte of a response came */
    const char *unreplayable[2];
    const char *unreplayable_and_answered[2];
} row_t;

#define NEVER { "----", "----" }

static const row_t table[] = {
    /*                       replayable           answered  unreplayable  both
     *                       not idemp., idemp. */
    { LB_SERVED,             NEVER,               NEVER,    NEVER,        NEVER },
    { LB_CLIENT_ABORT,       NEVER,               NEVER,    NEVER,        NEVER },
    { LB_CLIENT_ERROR,       NEVER,               NEVER,    NEVER,        NEVER },
    { LB_INTERNAL,           NEVER,               NEVER,    NEVER,        NEVER },
    { LB_CONNECT_REFUSED,    { "NNNN", "NNNN" },  NEVER,    NEVER,        NEVER },
    { LB_CONNECT_TIMEOUT,    { "NNNN", "NNNN" },  NEVER,    NEVER,        NEVER },
    { LB_CONNECT_FAILED,     { "NNNN", "NNNN" },  NEVER,    NEVER,        NEVER },
    { LB_FIRST_BYTE_TIMEOUT, NEVER,               NEVER,    NEVER,        NEVER },
    { LB_READ_TIMEOUT,       NEVER,               NEVER,    NEVER,        NEVER },
    { LB_WRITE_TIMEOUT,      NEVER,               NEVER,    NEVER,        NEVER },
    { LB_BACKEND_EOF,        { "----", "NNSN" },  NEVER,    NEVER,        NEVER },
    { LB_PROTOCOL,           NEVER,               NEVER,    NEVER,        NEVER },
    { LB_BAD_RESPONSE,       NEVER,               NEVER,    NEVER,        NEVER },
    { LB_OVERLOADED,         { "NNNN", "NNNN" },  NEVER,    NEVER,        NEVER },
    { LB_TOO_BIG_HEADER,     NEVER,               NEVER,    NEVER,        NEVER },
    { LB_BAD_STATUS,         NEVER,               NEVER,    NEVER,        NEVER },
    { LB_NO_MEMBER,          NEVER,               NEVER,    NEVER,        NEVER },
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
        ck_abort_msg("%s, idempotent %d, replayable %d, answered %d, kept %d, resent %d: %d",
                     lb_outcome_word(failed->outcome), failed->is_idempotent,
                     failed->is_replayable, failed->was_answered, failed->connection_was_kept,
                     failed->has_been_resent, (int)decision);
    }
}

static void assert_group(fcgi_try_t failed, const char *letters)
{
    for (int i = 0; i < 4; i++) {
        failed.connection_was_kept = i & 2;
        failed.has_been_resent = i & 1;
        assert_decision(&failed, letters[i]);
    }
}

START_TEST(every_outcome_is_decided_as_the_table_says)
{
    const row_t *row = &table[_i];
    for (int idempotent = 0; idempotent < 2; idempotent++) {
        fcgi_try_t failed = { .outcome = row->outcome, .is_idempotent = idempotent };
        assert_group(failed, row->unreplayable[idempotent]);
        failed.was_answered = true;
        assert_group(failed, row->unreplayable_and_answered[idempotent]);
        failed.is_replayable = true;
        assert_group(failed, row->answered[idempotent]);
        failed.was_answered = false;
        assert_group(failed, row->replayable[idempotent]);
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
    for (int bits = 0; bits < 32; bits++) {
        for (int outcome = 0; outcome < LB_OUTCOME_COUNT; outcome++) {
            const fcgi_try_t failed = {
                (lb_outcome_t)outcome, bits & 1, bits & 2, bits & 4, bits & 8, bits & 16
            };
            if (failed.was_answered || !failed.is_replayable) {
                ck_assert_int_eq(fcgi_failover_decide(&failed), FCGI_GIVE_UP);
            }
        }
    }
}
END_TEST

START_TEST(request_that_may_have_run_is_repeated_only_when_it_is_idempotent)
{
    fcgi_try_t failed = { LB_BACKEND_EOF, .is_replayable = true };
    ck_assert_int_eq(fcgi_failover_decide(&failed), FCGI_GIVE_UP);
    failed.is_idempotent = true;
    ck_assert_int_eq(fcgi_failover_decide(&failed), FCGI_NEXT_MEMBER);
}
END_TEST

START_TEST(stale_connection_is_replaced_once_at_the_same_member)
{
    fcgi_try_t failed = {
        LB_BACKEND_EOF, .is_idempotent = true, .is_replayable = true, .connection_was_kept = true
    };
    ck_assert_int_eq(fcgi_failover_decide(&failed), FCGI_SAME_MEMBER);
    failed.has_been_resent = true;
    ck_assert_int_eq(fcgi_failover_decide(&failed), FCGI_NEXT_MEMBER);
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
    const fcgi_try_t failed = { LB_OUTCOME_COUNT, .is_idempotent = true, .is_replayable = true };
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
    tcase_add_test(tc, request_that_may_have_run_is_repeated_only_when_it_is_idempotent);
    tcase_add_test(tc, stale_connection_is_replaced_once_at_the_same_member);
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
