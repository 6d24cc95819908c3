/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_failover.c - what follows a failed try, for every outcome. */
#include <check.h>

#include "failover.h"
#include "run_suite.h"

/* ---- The table ------------------------------------------------------------------------------- */

/* For a request that is replayable and has nothing of an answer, one letter for each decision:
 *     -  give up    S  same member    N  next member
 * and one column for each circumstance: first run or second, within the budget or over it. */
typedef struct {
    lb_outcome_t outcome;
    struct {
        const char *may_not_run_twice, *may_run_twice;
    } by_default, with_all;    /* words of ProxyFCGIRetryOn */
} row_t;

#define NEVER    { "----", "----" }
#define ALWAYS   { "NNNN", "NNNN" }
#define ONCE     { "----", "N---" }
#define SAME     { "----", "S-S-" }

static const row_t table[] = {
    { LB_SERVED, NEVER, NEVER },     /* see statuses_are_decided_by_their_words */
    { LB_CLIENT_ABORT, NEVER, NEVER },
    { LB_CLIENT_ERROR, NEVER, NEVER },
    { LB_CONNECT_REFUSED, ALWAYS, ALWAYS },
    { LB_CONNECT_TIMEOUT, ALWAYS, ALWAYS },
    { LB_CONNECT_BUSY, ALWAYS, ALWAYS },
    { LB_CONNECT_FAILED, ALWAYS, ALWAYS },
    { LB_TLS_FAILED, ALWAYS, ALWAYS },
    { LB_STALE, SAME, SAME },
    { LB_FIRST_BYTE_TIMEOUT, NEVER, ONCE },
    { LB_READ_TIMEOUT, NEVER, NEVER },
    { LB_WRITE_TIMEOUT, NEVER, NEVER },
    { LB_TOTAL_TIMEOUT, NEVER, NEVER },
    { LB_BACKEND_EOF, ONCE, ONCE },
    { LB_PROTOCOL, NEVER, NEVER },
    { LB_BAD_RESPONSE, NEVER, ONCE },
    { LB_OVERLOADED, ALWAYS, ALWAYS },
    { LB_TOO_BIG_HEADER, NEVER, NEVER },
    { LB_BAD_STATUS, NEVER, NEVER },
    { LB_NO_MEMBER, NEVER, NEVER },
    { LB_QUEUE_FULL, NEVER, NEVER },
    { LB_QUEUE_TIMEOUT, NEVER, NEVER },
    { LB_NO_TIME, NEVER, NEVER },
    { LB_SHED, NEVER, NEVER },
    { LB_FILTER_ERROR, NEVER, NEVER },
    { LB_FILE_ERROR, NEVER, NEVER },
};
#define ROWS (sizeof(table) / sizeof(table[0]))

static fcgi_retry_set_t all_words(void)
{
    return (1u << FCGI_RETRY_WORD_COUNT) - 1;
}

static fcgi_retry_t decision_of(char letter)
{
    switch (letter) {
    case '-': return FCGI_GIVE_UP;
    case 'S': return FCGI_SAME_MEMBER;
    case 'N': return FCGI_NEXT_MEMBER;
    default:  ck_abort_msg("no such letter: %c", letter);
    }
}

static void assert_decision(const fcgi_try_t *failed, char letter)
{
    const fcgi_retry_t decision = fcgi_failover_decide(failed);
    if (decision != decision_of(letter)) {
        ck_abort_msg("%s %d, words %x, twice %d, runs %d, over budget %d: %d",
                     lb_outcome_word(failed->outcome), failed->http_status, failed->retry_on,
                     failed->may_run_twice, failed->runs, failed->is_over_budget, (int)decision);
    }
}

/* The four circumstances of a row. */
static void assert_row(fcgi_try_t failed, const char *may_not_run_twice, const char *may_run_twice)
{
    failed.is_replayable = true;
    for (int i = 0; i < 4; i++) {
        failed.runs = i & 2 ? FCGI_RUNS_MAX : 1;
        failed.is_over_budget = i & 1;
        failed.may_run_twice = false;
        assert_decision(&failed, may_not_run_twice[i]);
        failed.may_run_twice = true;
        assert_decision(&failed, may_run_twice[i]);
    }
}

START_TEST(every_outcome_is_decided_as_the_table_says)
{
    const row_t *row = &table[_i];
    fcgi_try_t failed = { .outcome = row->outcome,
                          .http_status = 500,
                          .retry_on = fcgi_failover_set_of("default") };
    assert_row(failed, row->by_default.may_not_run_twice, row->by_default.may_run_twice);
    failed.retry_on = all_words();
    assert_row(failed, row->with_all.may_not_run_twice, row->with_all.may_run_twice);
    failed.retry_on = 0;    /* none */
    assert_row(failed, "----", "----");
}
END_TEST

START_TEST(statuses_are_decided_by_their_words)
{
    static const struct {
        int status;
        const char *word;
    } known[] = { { 502, "http_502" }, { 503, "http_503" }, { 504, "http_504" } };
    const fcgi_retry_set_t set = fcgi_failover_set_of(known[_i].word);

    for (int status = 100; status < 1000; status++) {
        const bool is_it = status == known[_i].status;
        const fcgi_try_t served = { .outcome = LB_SERVED, .http_status = status, .retry_on = set };
        assert_row(served, "----", is_it ? "N---" : "----");
        ck_assert_int_eq(fcgi_failover_wants_status(set, status), is_it);
        ck_assert(!fcgi_failover_wants_status(fcgi_failover_set_of("default"), status));
        ck_assert(!fcgi_failover_wants_status(0, status));
    }
}
END_TEST

/* ---- The words ------------------------------------------------------------------------------- */

/* Each word alone allows what all words allow for its own outcome, and nothing for another. */
START_TEST(word_is_about_its_own_outcome_and_no_other)
{
    for (size_t i = 0; i < ROWS; i++) {
        const row_t *row = &table[i];
        const fcgi_retry_set_t own = fcgi_failover_set_of(lb_outcome_word(row->outcome));
        fcgi_try_t failed = { .outcome = row->outcome, .retry_on = own };
        assert_row(failed, own ? row->with_all.may_not_run_twice : "----",
                   own ? row->with_all.may_run_twice : "----");
        failed.retry_on = all_words() & ~own;
        assert_row(failed, "----", "----");
    }
}
END_TEST

START_TEST(words_are_bits_of_their_own)
{
#define X(name, word, by_default, may_have_run)                                              \
    ck_assert_uint_eq(fcgi_failover_set_of(word), 1u << FCGI_RETRY_##name);                  \
    ck_assert_int_eq((fcgi_failover_set_of("default") & 1u << FCGI_RETRY_##name) != 0, by_default);
    FCGI_RETRY_WORDS(X)
#undef X
        ck_assert_uint_eq(fcgi_failover_set_of("none"), 0);
    ck_assert_uint_eq(fcgi_failover_set_of(""), 0);
    ck_assert_uint_eq(fcgi_failover_set_of("read_timeout"), 0);
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
                                        .http_status = 503,
                                        .retry_on = all_words(),
                                        .may_run_twice = bits & 1,
                                        .is_replayable = bits & 2,
                                        .was_answered = bits & 4,
                                        .runs = 1,
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
    fcgi_try_t failed = {
        .outcome = LB_BACKEND_EOF, .is_replayable = true, .runs = 1, .retry_on = all_words()
    };
    ck_assert_int_eq(fcgi_failover_decide(&failed), FCGI_GIVE_UP);
    failed.may_run_twice = true;
    ck_assert_int_eq(fcgi_failover_decide(&failed), FCGI_NEXT_MEMBER);
}
END_TEST

START_TEST(request_that_has_run_twice_is_not_given_to_a_third)
{
    const fcgi_try_t failed = { .outcome = LB_BACKEND_EOF,
                                .may_run_twice = true,
                                .is_replayable = true,
                                .runs = 2,
                                .retry_on = all_words() };
    ck_assert_int_eq(fcgi_failover_decide(&failed), FCGI_GIVE_UP);
}
END_TEST

START_TEST(request_that_never_left_goes_on_whatever_its_method)
{
    const fcgi_try_t failed = { LB_CONNECT_REFUSED, .is_replayable = true,
                                .retry_on = fcgi_failover_set_of("default") };
    ck_assert_int_eq(fcgi_failover_decide(&failed), FCGI_NEXT_MEMBER);
}
END_TEST

START_TEST(outcome_out_of_range_gives_up)
{
    const fcgi_try_t failed = { .outcome = LB_OUTCOME_COUNT,
                                .may_run_twice = true,
                                .is_replayable = true,
                                .retry_on = all_words() };
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
    tcase_add_loop_test(tc, statuses_are_decided_by_their_words, 0, 3);
    tcase_add_test(tc, word_is_about_its_own_outcome_and_no_other);
    tcase_add_test(tc, words_are_bits_of_their_own);
    tcase_add_test(tc, nothing_is_sent_twice_once_a_byte_came_back_or_the_body_is_gone);
    tcase_add_test(tc, request_that_may_have_run_is_repeated_only_when_it_may_run_twice);
    tcase_add_test(tc, request_that_has_run_twice_is_not_given_to_a_third);
    tcase_add_test(tc, request_that_never_left_goes_on_whatever_its_method);
    tcase_add_test(tc, outcome_out_of_range_gives_up);
    tcase_add_test(tc, methods_of_rfc_9110_and_propfind_are_idempotent_and_no_others);
    tcase_add_test(tc, methods_that_change_something_each_time_are_not_idempotent);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
