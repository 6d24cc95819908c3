/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_counters.c - what is counted of members, reset and taken over; many threads and
 * processes. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "counters.h"
#include "shared_table.h"
#include "histogram.h"

enum {
    TRIES = 50000,
    MANY = 8
};

static const lb_measures_t quick = {
    .http_status = 200, .connect = -1, .first_byte = 150, .whole = 250
};

static lb_member_room_t *new_room(void)
{
    lb_member_room_t *room = shared_memory(sizeof(*room));
    memset(room, 0xee, sizeof(*room));
    lb_counters_clear_member(room);
    return room;
}

static uint64_t count_of(lb_histogram_t times)
{
    uint64_t count = 0;

    for (int i = 0; i < LB_HISTOGRAM_BUCKETS; i++) {
        count += times.buckets[i];
    }
    return count;
}

static lb_counted_t all_of(const lb_member_room_t *room)
{
    lb_counted_t all;
    lb_counters_copy(room, 0, 0, &all);
    return all;
}

START_TEST(a_try_is_counted_by_class_end_and_times)
{
    lb_member_room_t *room = new_room();
    const lb_measures_t slow = {
        .http_status = 503, .connect = 1500, .first_byte = 30000, .whole = 4000000
    };
    lb_counters_add_try(room, LB_SERVED, &quick);
    lb_counters_add_try(room, LB_OVERLOADED, &slow);
    const lb_counted_t all = all_of(room);
    ck_assert_uint_eq(all.responses[2], 1);
    ck_assert_uint_eq(all.responses[5], 1);
    ck_assert_uint_eq(all.ends[LB_SERVED], 1);
    ck_assert_uint_eq(all.ends[LB_OVERLOADED], 1);
    ck_assert_uint_eq(count_of(all.whole_times), 2);
    ck_assert_uint_eq(all.whole_times.sum, 4000250);
    ck_assert_uint_eq(all.whole_times.buckets[lb_histogram_bucket(250)], 1);
    ck_assert_uint_eq(all.first_byte_times.sum, 30150);
    ck_assert_uint_eq(count_of(all.connect_times), 1);    /* the other was kept */
    ck_assert_uint_eq(all.connect_times.sum, 1500);
    ck_assert_uint_eq(count_of(all.queue_times), 0);
}
END_TEST

START_TEST(a_sampled_try_is_the_exemplar_of_its_times)
{
    lb_member_room_t *room = new_room();
    lb_measures_t sampled = quick;

    lb_counters_add_try(room, LB_SERVED, &quick);
    ck_assert_uint_eq(room->has_exemplars, 0);
    sampled.trace_id = "0af7651916cd43dd8448eb211c80319c";
    sampled.ended = 5;
    lb_counters_add_try(room, LB_SERVED, &sampled);
    ck_assert_uint_eq(room->has_exemplars, 1);
    const int whole = lb_histogram_bucket(250), first = lb_histogram_bucket(150);
    ck_assert_int_eq(lb_exemplars_get(&room->exemplars, LB_TIME_WHOLE, whole).took, 250);
    ck_assert_int_eq(lb_exemplars_get(&room->exemplars, LB_TIME_FIRST_BYTE, first).took, 150);
    ck_assert_int_eq(lb_exemplars_get(&room->exemplars, LB_TIME_CONNECT, 0).at, 0);
    lb_counters_clear_member(room);
    ck_assert_int_eq(lb_exemplars_get(&room->exemplars, LB_TIME_WHOLE, whole).at, 0);
    ck_assert_uint_eq(room->has_exemplars, 0);
}
END_TEST

START_TEST(without_an_answer_there_is_no_class_and_no_first_byte)
{
    lb_member_room_t *room = new_room();
    const lb_measures_t refused = { .connect = 70, .first_byte = -1, .whole = 80 };
    lb_counters_add_try(room, LB_CONNECT_REFUSED, &refused);
    lb_counters_add_try(room, LB_CLIENT_ABORT, NULL);
    const lb_counted_t all = all_of(room);
    ck_assert_uint_eq(all.responses[0], 2);
    ck_assert_uint_eq(count_of(all.first_byte_times), 0);
    ck_assert_uint_eq(count_of(all.whole_times), 1);    /* of NULL nothing is known */
}
END_TEST

START_TEST(every_status_has_a_class)
{
    static const struct {
        int status, in_class;
    } cases[] = {
        { -1, 0 },
        { 0, 0 },
        { 99, 0 },
        { 100, 1 },
        { 199, 1 },
        { 204, 2 },
        { 304, 3 },
        { 404, 4 },
        { 499, 4 },
        { 500, 5 },
        { 599, 5 },
        { 600, 5 },
        { 999, 5 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        lb_member_room_t *room = new_room();
        lb_measures_t measures = quick;
        measures.http_status = cases[i].status;
        lb_counters_add_try(room, LB_SERVED, &measures);
        ck_assert_uint_eq(all_of(room).responses[cases[i].in_class], 1);
    }
}
END_TEST

START_TEST(a_wait_is_counted_for_who_got_a_member)
{
    lb_member_room_t *room = new_room();
    lb_counters_add_wait(room, 1200000);
    const lb_counted_t all = all_of(room);
    ck_assert_uint_eq(all.queue_times.sum, 1200000);
    ck_assert_uint_eq(count_of(all.queue_times), 1);
}
END_TEST

START_TEST(a_clock_that_was_set_back_measures_nothing_negative)
{
    lb_member_room_t *room = new_room();
    const lb_measures_t back = { .http_status = 200, .connect = -1, .first_byte = 0, .whole = -5 };
    lb_counters_add_try(room, LB_SERVED, &back);
    ck_assert_uint_eq(all_of(room).whole_times.sum, 0);
    ck_assert_uint_eq(all_of(room).whole_times.buckets[0], 1);
}
END_TEST

START_TEST(a_reset_hides_what_was_before_and_forgets_nothing)
{
    lb_member_room_t *room = new_room();
    lb_counted_t before, since;
    lb_counters_add_try(room, LB_SERVED, &quick);
    atomic_fetch_add(&room->counters.bytes_sent, 100);
    ck_assert(!lb_counters_copy_before(room, &before));

    lb_counters_reset_member(room, 7, 3, 1234);
    lb_counters_add_try(room, LB_SERVED, &quick);
    lb_counters_add_try(room, LB_BACKEND_EOF, NULL);
    ck_assert(lb_counters_copy_before(room, &before));
    lb_counters_copy(room, 9, 4, &since);
    ck_assert_uint_eq(since.ends[LB_SERVED], 2);    /* all of it: Prometheus's */
    lb_counters_subtract(&since, &before);
    ck_assert_uint_eq(since.elected, 2);
    ck_assert_uint_eq(since.failures, 1);
    ck_assert_uint_eq(since.bytes_sent, 0);
    ck_assert_uint_eq(since.ends[LB_SERVED], 1);
    ck_assert_uint_eq(since.responses[2], 1);
    ck_assert_uint_eq(since.responses[0], 1);
    ck_assert_uint_eq(since.whole_times.sum, 250);
    ck_assert_uint_eq(before.whole_times.sum, 250);
    ck_assert_uint_eq(before.elected, 7);
    ck_assert_int_eq(room->counted_since, 1234);
}
END_TEST

START_TEST(outages_and_their_time_are_counted)
{
    lb_member_room_t *room = new_room();
    lb_counted_t before, all;
    lb_counters_add_state(room, true, 1000);     /* ok -> error */
    lb_counters_add_state(room, true, 1500);     /* error -> health_fail: the same outage */
    lb_counters_fold_downtime(room, 1800);
    ck_assert_uint_eq(all_of(room).downtime, 800);
    ck_assert_int_eq(room->down_since, 1000);
    lb_counters_add_state(room, false, 2000);
    lb_counters_add_state(room, false, 2500);    /* ok -> draining */
    lb_counters_fold_downtime(room, 3000);
    all = all_of(room);
    ck_assert_uint_eq(all.downtime, 1000);
    ck_assert_uint_eq(all.outages, 1);
    ck_assert_uint_eq(all.state_changes, 4);
    ck_assert_int_eq(room->down_since, 0);
    lb_counters_add_state(room, true, 4000);
    lb_counters_fold_downtime(room, 3500);       /* a clock that was read before */
    lb_counters_fold_downtime(room, 4100);
    lb_counters_reset_member(room, 0, 0, 4100);
    lb_counters_add_state(room, false, 4300);
    ck_assert(lb_counters_copy_before(room, &before));
    all = all_of(room);
    lb_counters_subtract(&all, &before);
    ck_assert_uint_eq(all.downtime, 200);
    ck_assert_uint_eq(all.outages, 0);
    ck_assert_uint_eq(before.outages, 2);
}
END_TEST

START_TEST(a_balancer_counts_refusals_and_can_be_reset)
{
    lb_balancer_room_t *room = shared_memory(sizeof(*room));
    lb_counters_add_refusal(room, LB_QUEUE_FULL);
    lb_counters_add_refusal(room, LB_QUEUE_FULL);
    lb_counters_reset_balancer(room, 99);
    lb_counters_add_refusal(room, LB_QUEUE_FULL);
    ck_assert_uint_eq(room->refused[LB_QUEUE_FULL], 3);
    ck_assert_uint_eq(room->refused_before[LB_QUEUE_FULL], 2);
    ck_assert_int_eq(room->counted_since, 99);
    lb_counters_clear_balancer(room);
    ck_assert_uint_eq(room->refused[LB_QUEUE_FULL], 0);
}
END_TEST

START_TEST(the_next_owner_of_a_room_starts_at_zero)
{
    lb_member_room_t *room = new_room();
    lb_counters_add_try(room, LB_SERVED, &quick);
    lb_counters_add_wait(room, 5);
    lb_counters_reset_member(room, 1, 1, 1);
    lb_counters_clear_member(room);
    const unsigned char *bytes = (const unsigned char *)room;
    for (size_t i = 0; i < sizeof(*room); i++) {
        MUST(bytes[i] == 0);
    }
}
END_TEST

/* ---- Many at once ---------------------------------------------------------------------------- */

static void make_tries(lb_member_room_t *room)
{
    for (int i = 0; i < TRIES; i++) {
        lb_counters_add_try(room, i % 2 ? LB_SERVED : LB_BACKEND_EOF, &quick);
    }
}

static void assert_all_are_counted(const lb_member_room_t *room)
{
    const lb_counted_t all = all_of(room);
    ck_assert_uint_eq(all.responses[2], MANY * TRIES);
    ck_assert_uint_eq(all.ends[LB_SERVED], MANY * TRIES / 2);
    ck_assert_uint_eq(all.ends[LB_BACKEND_EOF], MANY * TRIES / 2);
    ck_assert_uint_eq(all.whole_times.buckets[lb_histogram_bucket(250)], MANY * TRIES);
    ck_assert_uint_eq(all.whole_times.sum, UINT64_C(250) * MANY * TRIES);
    ck_assert_uint_eq(all.first_byte_times.sum, UINT64_C(150) * MANY * TRIES);
}

static void *run_thread(void *room)
{
    make_tries(room);
    return NULL;
}

START_TEST(tries_of_eight_threads_are_all_counted_while_others_reset_and_look)
{
    lb_member_room_t *room = new_room();
    pthread_t threads[MANY];
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run_thread, room), 0);
    }
    for (int i = 0; i < 200; i++) {
        lb_counted_t before, since;
        lb_counters_reset_member(room, 0, 0, i + 1);
        MUST(lb_counters_copy_before(room, &before));
        lb_counters_copy(room, 0, 0, &since);
        for (int k = 0; k < LB_CLASSES; k++) {
            MUST(since.responses[k] >= before.responses[k]);
        }
    }
    for (int i = 0; i < MANY; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_all_are_counted(room);
}
END_TEST

START_TEST(tries_of_eight_processes_are_all_counted)
{
    lb_member_room_t *room = new_room();
    pid_t children[MANY];
    for (int i = 0; i < MANY; i++) {
        children[i] = start_child();
        if (children[i] == 0) {
            make_tries(room);
            _exit(0);
        }
    }
    for (int i = 0; i < MANY; i++) {
        assert_ends_well(children[i]);
    }
    assert_all_are_counted(room);
}
END_TEST

static TCase *counting(void)
{
    TCase *tc = tcase_create("counting");
    tcase_add_test(tc, a_try_is_counted_by_class_end_and_times);
    tcase_add_test(tc, a_sampled_try_is_the_exemplar_of_its_times);
    tcase_add_test(tc, without_an_answer_there_is_no_class_and_no_first_byte);
    tcase_add_test(tc, every_status_has_a_class);
    tcase_add_test(tc, a_wait_is_counted_for_who_got_a_member);
    tcase_add_test(tc, a_clock_that_was_set_back_measures_nothing_negative);
    tcase_add_test(tc, a_reset_hides_what_was_before_and_forgets_nothing);
    tcase_add_test(tc, outages_and_their_time_are_counted);
    tcase_add_test(tc, a_balancer_counts_refusals_and_can_be_reset);
    tcase_add_test(tc, the_next_owner_of_a_room_starts_at_zero);
    return tc;
}

static TCase *threads(void)
{
    TCase *tc = tcase_create("threads");
    tcase_set_timeout(tc, 50);
    tcase_add_test(tc, tries_of_eight_threads_are_all_counted_while_others_reset_and_look);
    return tc;
}

static TCase *processes(void)
{
    TCase *tc = tcase_create("processes");
    tcase_set_timeout(tc, 50);
    tcase_add_test(tc, tries_of_eight_processes_are_all_counted);
    return tc;
}

int main(void)
{
    Suite *suite = suite_create("counters");
    suite_add_tcase(suite, counting());
    suite_add_tcase(suite, threads());
    suite_add_tcase(suite, processes());
    return run_suite(suite);
}
