/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_discovery_rules.c - what answers of DNS do to members: all short histories, against what the
 * rules say in words. */
#include "discovery_rules.h"
#include "run_suite.h"

#define SECOND INT64_C(1000000)
#define STEPS  6

/* What can happen next: an answer with our address, one with others only, none, a failure. */
typedef enum {
    NAMED,
    OTHERS,
    EMPTY,
    FAILED,
    EVENTS
} event_t;

/* Between two answers. */
static const int64_t pauses[] = { 3 * SECOND, 10 * SECOND };
#define PAUSES 2

static const lb_discovery_terms_t terms = { .wait = 10 * SECOND, .onempty = 12 * SECOND };

/* All that has happened so far. */
typedef struct {
    event_t event[STEPS];
    int64_t at[STEPS];
    int count;
} history_t;

/* A source with one member, which DNS has named before. */
typedef struct {
    lb_discovery_standing_t source;
    lb_discovered_standing_t member;
} model_t;

static const lb_answer_kind_t kind_of[EVENTS] = { LB_ANSWER_RECORDS, LB_ANSWER_RECORDS,
                                                  LB_ANSWER_EMPTY, LB_ANSWER_FAILED };

static lb_discovered_step_t take(model_t *m, const lb_discovery_terms_t *t, event_t event,
                                 int64_t now)
{
    lb_discovery_rules_note(&m->source, kind_of[event], now);
    m->member.is_named = event == NAMED;
    const lb_discovered_step_t step = lb_discovery_rules_step(t, &m->source, &m->member, now);
    switch (step) {
    case LB_DISCOVERED_STAYS:
        break;
    case LB_DISCOVERED_IS_MISSING:
        ck_assert(!m->member.is_gone && !m->member.missing_since);
        m->member.missing_since = now;
        break;
    case LB_DISCOVERED_IS_FOUND:
        ck_assert(!m->member.is_gone && m->member.missing_since);
        m->member.missing_since = 0;
        break;
    case LB_DISCOVERED_GOES:
        ck_assert(!m->member.is_gone);
        m->member.is_gone = true;
        break;
    case LB_DISCOVERED_RETURNS:
        ck_assert(m->member.is_gone);
        m->member.is_gone = false;
        m->member.missing_since = 0;
        break;
    }
    return step;
}

/* The rules, in other words: should it be in service, by all that has happened? An answer that has
 * it brings it back; one without it, with a first such answer at least `wait` ago and none that had
 * it since, takes it away; so does an empty one, the first of whose row came `onempty` ago. */
static bool should_serve(const history_t *h)
{
    bool serves = true;
    int64_t missing = 0, empty = 0;

    for (int i = 0; i < h->count; i++) {
        const int64_t at = h->at[i];
        switch (h->event[i]) {
        case NAMED:
            serves = true;
            missing = empty = 0;
            break;
        case OTHERS:
            empty = 0;
            missing = missing ? missing : at;
            serves &= at - missing < terms.wait;
            break;
        case EMPTY:
            empty = empty ? empty : at;
            serves &= at - empty < terms.onempty;
            break;
        default:
            break;
        }
    }
    return serves;
}

static void try_all(const history_t *before, const model_t *m)
{
    for (int e = 0; before->count < STEPS && e < EVENTS; e++) {
        for (int p = 0; p < PAUSES; p++) {
            const int64_t last = before->count ? before->at[before->count - 1] : SECOND;
            history_t h = *before;
            model_t next = *m;
            h.event[h.count] = (event_t)e;
            h.at[h.count++] = last + pauses[p];
            const lb_discovered_step_t step = take(&next, &terms, (event_t)e, last + pauses[p]);
            ck_assert(e != FAILED || step == LB_DISCOVERED_STAYS);
            ck_assert_int_eq(!next.member.is_gone, should_serve(&h));
            try_all(&h, &next);
        }
    }
}

START_TEST(every_history_ends_as_the_rules_say)
{
    const history_t nothing = { .count = 0 };
    const model_t serving = { .source.state = LB_SOURCE_OK };
    try_all(&nothing, &serving);
}
END_TEST

START_TEST(a_failed_query_says_nothing_for_ever)
{
    model_t m = { .source.state = LB_SOURCE_OK };

    take(&m, &terms, OTHERS, 1 * SECOND);
    for (int day = 1; day <= 365; day++) {
        ck_assert_int_eq(take(&m, &terms, FAILED, day * 86400 * SECOND), LB_DISCOVERED_STAYS);
        ck_assert_int_eq(m.source.state, LB_SOURCE_STALE);
    }
    ck_assert_int_eq(take(&m, &terms, NAMED, 366 * 86400 * SECOND), LB_DISCOVERED_IS_FOUND);
}
END_TEST

START_TEST(flapping_every_second_takes_nobody_away)
{
    model_t m = { .source.state = LB_SOURCE_OK };

    for (int i = 1; i < 1000; i++) {
        take(&m, &terms, i % 2 ? OTHERS : NAMED, i * SECOND);
        ck_assert(!m.member.is_gone);
    }
}
END_TEST

START_TEST(onempty_keep_keeps_for_ever)
{
    const lb_discovery_terms_t keep = { .wait = 0, .onempty = LB_ONEMPTY_KEEP };
    model_t m = { .source.state = LB_SOURCE_OK };

    for (int64_t at = SECOND; at < INT64_MAX / 4; at *= 3) {
        ck_assert_int_eq(take(&m, &keep, EMPTY, at), LB_DISCOVERED_STAYS);
    }
}
END_TEST

START_TEST(without_a_wait_the_first_answer_counts)
{
    const lb_discovery_terms_t at_once = { .wait = 0, .onempty = 0 };
    model_t m = { .source.state = LB_SOURCE_OK };

    ck_assert_int_eq(take(&m, &at_once, OTHERS, SECOND), LB_DISCOVERED_GOES);
    ck_assert_int_eq(take(&m, &at_once, NAMED, SECOND), LB_DISCOVERED_RETURNS);
    ck_assert_int_eq(take(&m, &at_once, EMPTY, SECOND), LB_DISCOVERED_GOES);
}
END_TEST

START_TEST(a_source_that_was_never_answered_waits_and_is_not_stale)
{
    lb_discovery_standing_t source = { .state = LB_SOURCE_WAITING };

    lb_discovery_rules_note(&source, LB_ANSWER_FAILED, SECOND);
    ck_assert_int_eq(source.state, LB_SOURCE_WAITING);
    lb_discovery_rules_note(&source, LB_ANSWER_EMPTY, SECOND);
    ck_assert_int_eq(source.state, LB_SOURCE_EMPTY);
    lb_discovery_rules_note(&source, LB_ANSWER_FAILED, SECOND);
    ck_assert_int_eq(source.state, LB_SOURCE_STALE);
    lb_discovery_rules_note(&source, LB_ANSWER_RECORDS, SECOND);
    ck_assert_int_eq(source.state, LB_SOURCE_OK);
    ck_assert_uint_eq(source.failures, 0);
}
END_TEST

/* ---- When to ask again ----------------------------------------------------------------------- */

static int64_t pause_after(const lb_discovery_terms_t *t, lb_source_state_t state, uint32_t ttl)
{
    const lb_discovery_standing_t source = { .state = state, .failures = 1, .empty_since = 50 };
    return lb_discovery_rules_next(t, &source, ttl, 0, 50) - 50;
}

START_TEST(the_ttl_says_when_to_ask_again_within_reason)
{
    static const struct {
        uint32_t ttl;
        int64_t records, empty;    /* s */
    } rows[] = { { 0, 1, 1 },
                 { 1, 1, 1 },
                 { 5, 5, 5 },
                 { 60, 60, 10 },
                 { 3600, 3600, 10 },
                 { 86400, 3600, 10 },
                 { UINT32_MAX, 3600, 10 } };
    const lb_discovery_terms_t patient = { .wait = 10 * SECOND, .onempty = 30 * SECOND };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_int_eq(pause_after(&patient, LB_SOURCE_OK, rows[i].ttl),
                         rows[i].records * SECOND);
        ck_assert_int_eq(pause_after(&patient, LB_SOURCE_EMPTY, rows[i].ttl),
                         rows[i].empty * SECOND);
    }
}
END_TEST

START_TEST(a_configured_interval_holds_instead)
{
    const lb_discovery_terms_t every_7 = { .interval = 7 * SECOND,
                                           .wait = 10 * SECOND,
                                           .onempty = LB_ONEMPTY_KEEP };

    ck_assert_int_eq(pause_after(&every_7, LB_SOURCE_OK, 3600), 7 * SECOND);
    ck_assert_int_eq(pause_after(&every_7, LB_SOURCE_EMPTY, 1), 7 * SECOND);
    ck_assert_int_eq(pause_after(&every_7, LB_SOURCE_STALE, 0), 1 * SECOND);

    const lb_discovery_standing_t stale = { .state = LB_SOURCE_STALE, .failures = 1000 };
    ck_assert_int_eq(lb_discovery_rules_next(&every_7, &stale, 0, 0, 0), 7 * SECOND);
}
END_TEST

START_TEST(failures_back_off_up_to_half_a_minute)
{
    static const int64_t seconds[] = { 1, 2, 4, 8, 16, 30, 30 };
    lb_discovery_standing_t source = { .state = LB_SOURCE_OK };

    for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        lb_discovery_rules_note(&source, LB_ANSWER_FAILED, 0);
        ck_assert_int_eq(lb_discovery_rules_next(&terms, &source, 0, 0, 0), seconds[i] * SECOND);
    }
    source.failures = UINT32_MAX;
    lb_discovery_rules_note(&source, LB_ANSWER_FAILED, 0);
    ck_assert_int_eq(lb_discovery_rules_next(&terms, &source, 0, 0, 0), 30 * SECOND);
}
END_TEST

START_TEST(it_is_asked_again_when_an_answer_decides_something)
{
    lb_discovery_standing_t source = { .state = LB_SOURCE_OK };

    ck_assert_int_eq(lb_discovery_rules_next(&terms, &source, 3600, 5 * SECOND, 8 * SECOND),
                     15 * SECOND);
    ck_assert_int_eq(lb_discovery_rules_next(&terms, &source, 2, 5 * SECOND, 8 * SECOND),
                     10 * SECOND);
    source = (lb_discovery_standing_t){ .state = LB_SOURCE_EMPTY, .empty_since = 5 * SECOND };
    ck_assert_int_eq(lb_discovery_rules_next(&terms, &source, 3600, 0, 8 * SECOND), 17 * SECOND);
    ck_assert_int_eq(lb_discovery_rules_next(&terms, &source, 3600, 0, 17 * SECOND), 27 * SECOND);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("discovery_rules");

    tcase_add_test(tc, every_history_ends_as_the_rules_say);
    tcase_add_test(tc, a_failed_query_says_nothing_for_ever);
    tcase_add_test(tc, flapping_every_second_takes_nobody_away);
    tcase_add_test(tc, onempty_keep_keeps_for_ever);
    tcase_add_test(tc, without_a_wait_the_first_answer_counts);
    tcase_add_test(tc, a_source_that_was_never_answered_waits_and_is_not_stale);
    tcase_add_test(tc, the_ttl_says_when_to_ask_again_within_reason);
    tcase_add_test(tc, a_configured_interval_holds_instead);
    tcase_add_test(tc, failures_back_off_up_to_half_a_minute);
    tcase_add_test(tc, it_is_asked_again_when_an_answer_decides_something);
    Suite *suite = suite_create("discovery_rules");
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
