/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_samples.c - samples, marks, the last minute; who makes a sample when many ask. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>

#include "samples.h"
#include "shared_table.h"

#define SECOND INT64_C(1000000)
#define START  (INT64_C(1700000000) * SECOND)

typedef struct {
    lb_balancer_room_t *balancer;
    lb_member_room_t *members;    /* two */
} cluster_t;

static cluster_t new_cluster(void)
{
    return (cluster_t){ .balancer = shared_memory(sizeof(lb_balancer_room_t)),
                        .members = shared_memory(2 * sizeof(lb_member_room_t)) };
}

static void refuse(cluster_t *c, int member, int times)
{
    for (int i = 0; i < times; i++) {
        lb_counters_add_try(&c->members[member], LB_CONNECT_REFUSED, NULL);
    }
}

static void serve(cluster_t *c, int member, int times, int64_t first_byte)
{
    const lb_measures_t measures = {
        .http_status = 200, .connect = -1, .first_byte = first_byte, .whole = first_byte
    };
    for (int i = 0; i < times; i++) {
        lb_counters_add_try(&c->members[member], LB_SERVED, &measures);
    }
}

static void sample(cluster_t *c, int64_t now)
{
    lb_gain_t gain = { 0 };
    ck_assert(lb_samples_is_due(c->balancer, now));
    for (int i = 0; i < 2; i++) {
        lb_samples_mark(c->balancer, &c->members[i], &gain);
    }
    lb_samples_add_sample(c->balancer, now, &gain, 5, 7);
}

static lb_recent_t recent(const cluster_t *c, int member, int64_t now)
{
    lb_gain_t gain = { 0 };
    const int64_t took = lb_samples_gain_lately(c->balancer, &c->members[member], now, &gain);
    return lb_samples_recent(&gain, took);
}

START_TEST(a_sample_is_due_every_two_seconds_and_when_the_clock_was_set_back)
{
    cluster_t c = new_cluster();
    ck_assert(lb_samples_is_due(c.balancer, START));
    ck_assert(!lb_samples_is_due(c.balancer, START));
    ck_assert(!lb_samples_is_due(c.balancer, START + 2 * SECOND - 1));
    ck_assert(lb_samples_is_due(c.balancer, START + 2 * SECOND));
    ck_assert(lb_samples_is_due(c.balancer, START));
}
END_TEST

START_TEST(what_failed_and_what_was_answered_with_5xx_is_a_failure)
{
    static const struct {
        lb_outcome_t end;
        int status;
        bool is_failure;
    } cases[] = {
        { LB_SERVED, 200, false },
        { LB_SERVED, 404, false },
        { LB_SERVED, 500, true },
        { LB_SERVED, 503, true },
        { LB_CLIENT_ABORT, 0, false },
        { LB_CLIENT_ERROR, 0, false },
        { LB_STALE, 0, false },
        { LB_CONNECT_REFUSED, 0, true },
        { LB_READ_TIMEOUT, 0, true },
        { LB_BAD_RESPONSE, 0, true },
        { LB_OVERLOADED, 0, true },
        { LB_BAD_STATUS, 503, true },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cluster_t c = new_cluster();
        const lb_measures_t measures = {
            .http_status = cases[i].status, .connect = -1, .first_byte = -1, .whole = 5
        };
        sample(&c, START);
        lb_counters_add_try(&c.members[0], cases[i].end, &measures);
        const lb_recent_t last = recent(&c, 0, START + SECOND);
        ck_assert_double_eq_tol(last.requests, 1, 1e-9);
        ck_assert_double_eq_tol(last.failures, cases[i].is_failure, 1e-9);
    }
}
END_TEST

START_TEST(percentiles_of_a_constant_are_that_constant)
{
    cluster_t c = new_cluster();
    sample(&c, START);
    serve(&c, 0, 500, 700000);
    const lb_recent_t last = recent(&c, 0, START + SECOND);
    ck_assert_int_eq(last.p50, 700000);
    ck_assert_int_eq(last.p95, 700000);
    ck_assert_int_eq(last.p99, 700000);
    ck_assert_int_eq(last.mean, 700000);
}
END_TEST

START_TEST(a_sample_has_the_rates_since_the_one_before)
{
    cluster_t c = new_cluster();
    lb_sample_t samples[LB_PAST_SAMPLES];
    serve(&c, 0, 1000, 50);    /* before anybody looked */
    sample(&c, START);
    ck_assert_int_eq(lb_samples_copy(c.balancer, samples), 0);
    serve(&c, 0, 10, 150);
    serve(&c, 1, 27, 150);
    refuse(&c, 1, 3);
    sample(&c, START + 4 * SECOND);
    ck_assert_int_eq(lb_samples_copy(c.balancer, samples), 1);
    ck_assert_int_eq(samples[0].at, START + 4 * SECOND);
    ck_assert_double_eq_tol(samples[0].requests, 10, 1e-9);
    ck_assert_double_eq_tol(samples[0].failures, 0.75, 1e-9);
    ck_assert_uint_eq(samples[0].in_flight, 5);
    ck_assert_uint_eq(samples[0].queued, 7);
    ck_assert_int_eq(samples[0].p50, 150);
    ck_assert_int_eq(samples[0].p95, 150);
    sample(&c, START + 6 * SECOND);
    ck_assert_int_eq(lb_samples_copy(c.balancer, samples), 2);
    ck_assert_double_eq_tol(samples[1].requests, 0, 1e-9);
    ck_assert_int_eq(samples[1].p50, -1);
}
END_TEST

START_TEST(a_member_has_its_own_last_minute)
{
    cluster_t c = new_cluster();
    lb_sample_t samples[LB_RECENT_MARKS];

    ck_assert_int_eq(lb_samples_copy_member(c.balancer, &c.members[0], samples), 0);
    for (int i = 0; i <= 50; i++) {
        sample(&c, START + i * LB_SAMPLE_US);
        serve(&c, 0, i == 48 ? 8 : 4, 1000);
        refuse(&c, 1, 2);
    }
    ck_assert_int_eq(lb_samples_copy_member(c.balancer, &c.members[0], samples),
                     LB_RECENT_MARKS - 1);
    ck_assert_int_eq(samples[LB_RECENT_MARKS - 2].at, START + 50 * LB_SAMPLE_US);
    ck_assert_double_eq(samples[0].requests, 2);
    ck_assert_double_eq(samples[LB_RECENT_MARKS - 3].requests, 4);
    ck_assert_double_eq(samples[0].failures, 0);
    ck_assert_int_eq(samples[0].p50, 1000);
    lb_samples_copy_member(c.balancer, &c.members[1], samples);
    ck_assert_double_eq(samples[0].failures, 1);
    ck_assert_int_eq(samples[0].p50, -1);
}
END_TEST

START_TEST(the_past_is_five_minutes_long)
{
    cluster_t c = new_cluster();
    lb_sample_t samples[LB_PAST_SAMPLES];
    const int made = 2 * LB_SAMPLES + 17;
    for (int i = 0; i < made; i++) {
        serve(&c, 0, i % 3, 150);
        sample(&c, START + i * 2 * SECOND);
    }
    ck_assert_int_eq(lb_samples_copy(c.balancer, samples), LB_PAST_SAMPLES);
    for (int i = 0; i < LB_PAST_SAMPLES; i++) {
        const int n = made - LB_PAST_SAMPLES + i;
        ck_assert_int_eq(samples[i].at, START + n * 2 * SECOND);
        ck_assert_double_eq_tol(samples[i].requests, n % 3 / 2.0, 1e-9);
    }
}
END_TEST

START_TEST(recent_is_the_last_minute_and_what_came_since_the_last_sample)
{
    cluster_t c = new_cluster();
    ck_assert_double_eq_tol(recent(&c, 0, START).requests, 0, 1e-9);
    ck_assert_int_eq(recent(&c, 0, START).p50, -1);
    for (int i = 0; i <= 100; i++) {
        serve(&c, 0, i < 60 ? 100 : 4, i < 60 ? 50 : 150);
        sample(&c, START + i * 2 * SECOND);
    }
    serve(&c, 0, 6, 150);
    refuse(&c, 0, 30);
    const lb_recent_t last = recent(&c, 0, START + 201 * SECOND);
    /* from the mark of 142 s on: 29 times 4, 6, and those that failed, in 59 s */
    ck_assert_double_eq_tol(last.requests, (29 * 4 + 6 + 30) / 59.0, 1e-9);
    ck_assert_double_eq_tol(last.failures, 30 / 59.0, 1e-9);
    ck_assert_int_eq(last.p50, 150);
    ck_assert_int_eq(last.p99, 150);
    ck_assert_int_eq(last.mean, 150);
    ck_assert_double_eq_tol(recent(&c, 1, START + 201 * SECOND).requests, 0, 1e-9);
}
END_TEST

START_TEST(the_first_minute_is_as_long_as_it_is)
{
    cluster_t c = new_cluster();
    sample(&c, START);
    serve(&c, 0, 50, 150);
    ck_assert_double_eq_tol(recent(&c, 0, START + SECOND).requests, 50, 1e-9);
    sample(&c, START + 2 * SECOND);
    serve(&c, 0, 50, 150);
    ck_assert_double_eq_tol(recent(&c, 0, START + 4 * SECOND).requests, 25, 1e-9);
}
END_TEST

START_TEST(a_room_that_was_given_away_gains_nothing_absurd)
{
    cluster_t c = new_cluster();
    sample(&c, START);
    serve(&c, 0, 1000, 150);
    sample(&c, START + 2 * SECOND);
    /* its marks were written by a process that had not seen the new owner yet */
    c.members[0].now.requests = 0;
    serve(&c, 0, 8, 150);
    sample(&c, START + 4 * SECOND);
    lb_sample_t samples[LB_PAST_SAMPLES];
    ck_assert_int_eq(lb_samples_copy(c.balancer, samples), 2);
    ck_assert_double_eq_tol(samples[1].requests, 4, 1e-9);
}
END_TEST

START_TEST(marks_wrap_and_differences_do_not)
{
    cluster_t c = new_cluster();
    c.members[0].now.requests = UINT32_MAX - 2;
    sample(&c, START);
    serve(&c, 0, 10, 150);
    sample(&c, START + 2 * SECOND);
    lb_sample_t samples[LB_PAST_SAMPLES];
    ck_assert_int_eq(lb_samples_copy(c.balancer, samples), 1);
    ck_assert_double_eq_tol(samples[0].requests, 5, 1e-9);
}
END_TEST

START_TEST(answers_with_5xx_and_refusals_are_told_apart)
{
    cluster_t c = new_cluster();
    const lb_measures_t broken = { .http_status = 500, .connect = -1, .first_byte = 9, .whole = 9 };
    lb_sample_t samples[LB_PAST_SAMPLES];
    lb_counters_add_refusal(c.balancer, LB_NO_MEMBER);
    sample(&c, START);
    lb_counters_add_try(&c.members[0], LB_SERVED, &broken);
    lb_counters_add_try(&c.members[0], LB_SERVED, &broken);
    refuse(&c, 0, 4);
    lb_counters_add_refusal(c.balancer, LB_QUEUE_FULL);
    lb_counters_add_refusal(c.balancer, LB_NO_MEMBER);
    ck_assert_uint_eq(lb_samples_refused_lately(c.balancer), 2);
    sample(&c, START + 2 * SECOND);
    ck_assert_int_eq(lb_samples_copy(c.balancer, samples), 1);
    ck_assert_double_eq_tol(samples[0].failures, 3, 1e-9);
    ck_assert_double_eq_tol(samples[0].server_errors, 1, 1e-9);
    ck_assert_double_eq_tol(samples[0].refused, 1, 1e-9);
    ck_assert_double_eq_tol(recent(&c, 0, START + 4 * SECOND).server_errors, 0.5, 1e-9);
    lb_counters_add_refusal(c.balancer, LB_NO_MEMBER);
    ck_assert_uint_eq(lb_samples_refused_lately(c.balancer), 3);
    for (int i = 2; i < 40; i++) {
        sample(&c, START + i * 2 * SECOND);
    }
    ck_assert_uint_eq(lb_samples_refused_lately(c.balancer), 0);
}
END_TEST

START_TEST(a_member_that_was_away_is_level)
{
    cluster_t c = new_cluster();
    sample(&c, START);
    serve(&c, 0, 1000, 150);
    refuse(&c, 0, 4);
    lb_samples_level(&c.members[0]);
    const lb_recent_t last = recent(&c, 0, START + SECOND);
    ck_assert_double_eq_tol(last.requests, 0, 1e-9);
    ck_assert_double_eq_tol(last.failures, 0, 1e-9);
    ck_assert_int_eq(last.p50, -1);
}
END_TEST

/* ---- Many at once ---------------------------------------------------------------------------- */

enum {
    MANY = 8,
    ROUNDS = 200
};

typedef struct {
    cluster_t cluster;
    pthread_barrier_t round;
    _Atomic uint32_t made;
} race_t;

/* What the watch threads of several processes do, all at the same moment. */
static void *ask_and_sample(void *data)
{
    race_t *race = data;
    cluster_t *c = &race->cluster;

    for (int64_t i = 0; i < ROUNDS; i++) {
        lb_sample_t samples[LB_PAST_SAMPLES];
        lb_gain_t gain = { 0 };
        pthread_barrier_wait(&race->round);
        serve(c, 0, 1, 150);
        if (lb_samples_is_due(c->balancer, START + i * 2 * SECOND)) {
            lb_samples_mark(c->balancer, &c->members[0], &gain);
            lb_samples_add_sample(c->balancer, START + i * 2 * SECOND, &gain, 0, 0);
            atomic_fetch_add(&race->made, 1);
        }
        MUST(lb_samples_copy(c->balancer, samples) <= LB_PAST_SAMPLES);
        MUST(recent(c, 0, START + i * 2 * SECOND + 1).p50 >= -1);
    }
    return NULL;
}

START_TEST(one_of_eight_threads_makes_each_sample)
{
    static race_t race;
    pthread_t threads[MANY];
    race.cluster = new_cluster();
    pthread_barrier_init(&race.round, NULL, MANY);
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_and_sample, &race), 0);
    }
    for (int i = 0; i < MANY; i++) {
        pthread_join(threads[i], NULL);
    }
    ck_assert_uint_eq(race.made, ROUNDS);
    ck_assert_uint_eq(race.cluster.balancer->samples, ROUNDS);
}
END_TEST

START_TEST(of_eight_processes_one_makes_the_sample)
{
    cluster_t c = new_cluster();
    _Atomic uint32_t *flags = shared_memory(2 * sizeof(*flags));
    pid_t children[MANY];
    for (int i = 0; i < MANY; i++) {
        children[i] = start_child();
        if (children[i] == 0) {
            wait_until_set(&flags[0]);
            if (lb_samples_is_due(c.balancer, START)) {
                atomic_fetch_add(&flags[1], 1);
            }
            _exit(0);
        }
    }
    atomic_store(&flags[0], 1);
    for (int i = 0; i < MANY; i++) {
        assert_ends_well(children[i]);
    }
    ck_assert_uint_eq(atomic_load(&flags[1]), 1);
}
END_TEST

static TCase *minutes(void)
{
    TCase *tc = tcase_create("minutes");
    tcase_add_test(tc, a_sample_is_due_every_two_seconds_and_when_the_clock_was_set_back);
    tcase_add_test(tc, what_failed_and_what_was_answered_with_5xx_is_a_failure);
    tcase_add_test(tc, percentiles_of_a_constant_are_that_constant);
    tcase_add_test(tc, a_sample_has_the_rates_since_the_one_before);
    tcase_add_test(tc, a_member_has_its_own_last_minute);
    tcase_add_test(tc, the_past_is_five_minutes_long);
    tcase_add_test(tc, recent_is_the_last_minute_and_what_came_since_the_last_sample);
    tcase_add_test(tc, the_first_minute_is_as_long_as_it_is);
    tcase_add_test(tc, a_room_that_was_given_away_gains_nothing_absurd);
    tcase_add_test(tc, marks_wrap_and_differences_do_not);
    tcase_add_test(tc, answers_with_5xx_and_refusals_are_told_apart);
    tcase_add_test(tc, a_member_that_was_away_is_level);
    return tc;
}

static TCase *many(const char *name)
{
    TCase *tc = tcase_create(name);
    tcase_set_timeout(tc, 50);
    return tc;
}

int main(void)
{
    Suite *suite = suite_create("samples");
    TCase *threads = many("threads"), *processes = many("processes");
    tcase_add_test(threads, one_of_eight_threads_makes_each_sample);
    tcase_add_test(processes, of_eight_processes_one_makes_the_sample);
    suite_add_tcase(suite, minutes());
    suite_add_tcase(suite, threads);
    suite_add_tcase(suite, processes);
    return run_suite(suite);
}
