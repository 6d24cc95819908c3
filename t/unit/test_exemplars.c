/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_exemplars.c - an exemplar is the one of its bucket, and one that is half written is none. */
#include "exemplars.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "histogram.h"
#include "run_suite.h"

enum {
    MANY = 4,
    TURNS = 200000
};

static const char id[] = "0af7651916cd43dd8448eb211c80319c";
static const lb_measures_t measures = { .trace_id = id, .ended = 77 };

static lb_exemplars_t *new_exemplars(void)
{
    return calloc(1, sizeof(lb_exemplars_t));
}

START_TEST(a_bucket_has_the_last_try_that_fell_into_it)
{
    lb_exemplars_t *e = new_exemplars();
    const int bucket = lb_histogram_bucket(1500);

    lb_exemplars_note(e, LB_TIME_CONNECT, 1200, &measures);
    lb_exemplars_note(e, LB_TIME_CONNECT, 1500, &measures);
    const lb_exemplar_t found = lb_exemplars_get(e, LB_TIME_CONNECT, bucket);
    ck_assert_int_eq(found.took, 1500);
    ck_assert_int_eq(found.at, 77);
    ck_assert_uint_eq(found.trace[0], UINT64_C(0x0af7651916cd43dd));
    ck_assert_uint_eq(found.trace[1], UINT64_C(0x8448eb211c80319c));
    ck_assert_int_eq(lb_exemplars_get(e, LB_TIME_CONNECT, bucket + 1).at, 0);
    ck_assert_int_eq(lb_exemplars_get(e, LB_TIME_QUEUE, bucket).at, 0);
    free(e);
}
END_TEST

START_TEST(what_takes_longer_than_can_be_told_is_none)
{
    lb_exemplars_t *e = new_exemplars();

    lb_exemplars_note(e, LB_TIME_WHOLE, (int64_t)UINT32_MAX + 1, &measures);
    ck_assert_int_eq(lb_exemplars_get(e, LB_TIME_WHOLE, LB_HISTOGRAM_BUCKETS - 1).at, 0);
    lb_exemplars_note(e, LB_TIME_WHOLE, UINT32_MAX, &measures);
    ck_assert_int_eq(lb_exemplars_get(e, LB_TIME_WHOLE, LB_HISTOGRAM_BUCKETS - 1).took, UINT32_MAX);
    free(e);
}
END_TEST

/* As it is when its writer is killed. */
START_TEST(one_that_is_half_written_is_none_until_the_next)
{
    lb_exemplars_t *e = new_exemplars();
    lb_exemplar_room_t *room = &e->of[LB_TIME_WHOLE][0];

    lb_exemplars_note(e, LB_TIME_WHOLE, 50, &measures);
    atomic_store(&room->trace[1], 1);
    ck_assert_int_eq(lb_exemplars_get(e, LB_TIME_WHOLE, 0).at, 0);
    lb_exemplars_note(e, LB_TIME_WHOLE, 60, &measures);
    ck_assert_int_eq(lb_exemplars_get(e, LB_TIME_WHOLE, 0).took, 60);
    free(e);
}
END_TEST

/* Each writes exemplars whose words say all the same number. */
static void *write_many(void *exemplars)
{
    for (unsigned n = 1; n <= TURNS; n++) {
        char text[33];
        snprintf(text, sizeof(text), "%016x%016x", n % 90, n % 90);
        const lb_measures_t own = { .trace_id = text, .ended = n % 90 };
        lb_exemplars_note(exemplars, LB_TIME_QUEUE, n % 90, &own);
    }
    return NULL;
}

START_TEST(readers_see_only_whole_ones)
{
    lb_exemplars_t *e = new_exemplars();
    pthread_t threads[MANY];

    for (int i = 0; i < MANY; i++) {
        pthread_create(&threads[i], NULL, write_many, e);
    }
    for (int n = 0; n < TURNS; n++) {
        const lb_exemplar_t seen = lb_exemplars_get(e, LB_TIME_QUEUE, 0);
        ck_assert_int_eq(seen.at, seen.took);
        ck_assert_uint_eq(seen.trace[0], (uint64_t)seen.took);
        ck_assert_uint_eq(seen.trace[1], (uint64_t)seen.took);
    }
    for (int i = 0; i < MANY; i++) {
        pthread_join(threads[i], NULL);
    }
    free(e);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("exemplars");
    TCase *tc = tcase_create("exemplars"), *threads = tcase_create("threads");

    tcase_add_test(tc, a_bucket_has_the_last_try_that_fell_into_it);
    tcase_add_test(tc, what_takes_longer_than_can_be_told_is_none);
    tcase_add_test(tc, one_that_is_half_written_is_none_until_the_next);
    tcase_add_test(threads, readers_see_only_whole_ones);
    suite_add_tcase(suite, tc);
    suite_add_tcase(suite, threads);
    return run_suite(suite);
}
