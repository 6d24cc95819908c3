/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_controlled_delay.c - when a queue stands, and when it only takes up a burst. */
#include <check.h>
#include <stdlib.h>

#include "controlled_delay.h"
#include "shared_table.h"

enum { TARGET = 1000 };

static const lb_queue_rule_t fifo = { .order = LB_ORDER_FIFO, .target = TARGET };
static const lb_queue_rule_t lifo = { .order = LB_ORDER_LIFO, .target = TARGET };
static const lb_queue_rule_t adaptive = { .order = LB_ORDER_ADAPTIVE, .target = TARGET };
static const lb_queue_rule_t promised = { .order = LB_ORDER_ADAPTIVE,
                                          .target = TARGET,
                                          .target_is_promised = true };

/* So many looks in one interval, each finding that the oldest has waited so long.
 * returns  the end of the interval */
static int64_t pass_interval(lb_delay_t *delay, const lb_queue_rule_t *rule, int64_t waited,
                             int64_t now)
{
    while (now < delay->until) {
        lb_delay_look(delay, rule, waited, now);
        now += 100;
    }
    lb_delay_look(delay, rule, waited, now);
    return now;
}

/* A queue whose oldest has waited for longer than the target, in a new interval. */
static int64_t begin(lb_delay_t *delay, const lb_queue_rule_t *rule)
{
    *delay = (lb_delay_t){ 0 };
    lb_delay_look(delay, rule, 0, 1);
    return pass_interval(delay, rule, 0, 1);
}

static void lose(lb_delay_t *delay, int gone)
{
    for (int i = 0; i < gone; i++) {
        lb_delay_count_gone(delay, 5 * TARGET);
    }
}

START_TEST(new_queue_does_not_stand)
{
    lb_delay_t delay = { 0 };
    lb_delay_look(&delay, &promised, 5 * TARGET, 1000000);
    ck_assert(!delay.stands);
    ck_assert_int_eq(lb_delay_old_before(&delay, &promised, 1000000), INT64_MIN);
}
END_TEST

START_TEST(longer_wait_than_the_target_in_all_of_an_interval_means_that_it_stands)
{
    lb_delay_t delay;
    int64_t now = begin(&delay, &promised);
    now = pass_interval(&delay, &promised, TARGET + 1, now + 1);
    ck_assert(!delay.stands);    /* the interval had begun with nobody */
    now = pass_interval(&delay, &promised, TARGET + 1, now + 1);
    ck_assert(delay.stands);
    ck_assert_int_eq(lb_delay_old_before(&delay, &promised, now), now - TARGET);
}
END_TEST

START_TEST(one_moment_within_the_target_means_that_it_does_not)
{
    lb_delay_t delay;
    int64_t now = begin(&delay, &promised);
    now = pass_interval(&delay, &promised, 9 * TARGET, now + 1);
    lb_delay_look(&delay, &promised, TARGET, now + 1);
    pass_interval(&delay, &promised, 9 * TARGET, now + 1);
    ck_assert(!delay.stands);
}
END_TEST

START_TEST(empty_queue_stands_no_longer)
{
    lb_delay_t delay;
    int64_t now = begin(&delay, &promised);
    now = pass_interval(&delay, &promised, 2 * TARGET, now + 1);
    now = pass_interval(&delay, &promised, 2 * TARGET, now + 1);
    ck_assert(delay.stands);
    lb_delay_look(&delay, &promised, 0, now + 1);
    ck_assert(!delay.stands);
}
END_TEST

/* ---- Without a promise ----------------------------------------------------------------------- */

static void wait_with(lb_delay_t *delay, int served, int gone)
{
    int64_t now = begin(delay, &adaptive);
    now = pass_interval(delay, &adaptive, 9 * TARGET, now + 1);
    for (int i = 0; i < served; i++) {
        lb_delay_count_served(delay);
    }
    lose(delay, gone);
    pass_interval(delay, &adaptive, 9 * TARGET, now + 1);
}

START_TEST(queue_that_serves_everybody_does_not_stand_however_long_it_takes)
{
    lb_delay_t delay;
    wait_with(&delay, 100, 0);
    ck_assert(!delay.stands);
}
END_TEST

START_TEST(single_client_that_goes_is_no_overload)
{
    lb_delay_t delay;
    wait_with(&delay, 3, 1);
    ck_assert(!delay.stands);
}
END_TEST

START_TEST(one_of_twenty_may_be_lost_and_not_more)
{
    lb_delay_t delay;
    wait_with(&delay, 95, 5);
    ck_assert(!delay.stands);
    wait_with(&delay, 94, 6);
    ck_assert(delay.stands);
}
END_TEST

/* A queue that has been over the target for an interval, in which so many were served. */
static int64_t wait_long(lb_delay_t *delay, int served)
{
    int64_t now = begin(delay, &adaptive);
    now = pass_interval(delay, &adaptive, 9 * TARGET, now + 1);
    for (int i = 0; i < served; i++) {
        lb_delay_count_served(delay);
    }
    return pass_interval(delay, &adaptive, 9 * TARGET, now + 1);
}

START_TEST(it_stands_as_soon_as_requests_are_lost_not_at_the_end_of_the_interval)
{
    lb_delay_t delay;
    const int64_t now = wait_long(&delay, 20);
    lose(&delay, 1);
    lb_delay_look(&delay, &adaptive, 9 * TARGET, now + 1);
    ck_assert(!delay.stands);
    lose(&delay, 1);
    lb_delay_look(&delay, &adaptive, 9 * TARGET, now + 2);
    ck_assert(delay.stands);
}
END_TEST

START_TEST(few_losses_at_the_begin_of_an_interval_are_few_beside_those_served_in_the_one_before)
{
    lb_delay_t delay;
    const int64_t now = wait_long(&delay, 100);
    lose(&delay, 5);
    lb_delay_look(&delay, &adaptive, 9 * TARGET, now + 1);
    ck_assert(!delay.stands);
    lose(&delay, 1);
    lb_delay_look(&delay, &adaptive, 9 * TARGET, now + 2);
    ck_assert(delay.stands);
}
END_TEST

START_TEST(losses_of_a_queue_that_was_not_over_the_target_for_an_interval_say_nothing)
{
    lb_delay_t delay;
    const int64_t now = wait_long(&delay, 20);
    lb_delay_look(&delay, &adaptive, TARGET, now + 1);
    lose(&delay, 9);
    lb_delay_look(&delay, &adaptive, 9 * TARGET, now + 2);
    lb_delay_look(&delay, &adaptive, 9 * TARGET, now + 2 + TARGET / 2);
    ck_assert(!delay.stands);
    lb_delay_look(&delay, &adaptive, 9 * TARGET, now + 3 + TARGET);
    ck_assert(delay.stands);
}
END_TEST

START_TEST(refusals_count_only_while_all_are_served_in_turn)
{
    lb_delay_t delay = { 0 };
    lb_delay_count_refused(&delay);
    ck_assert_uint_eq(delay.lost, 1);
    delay.stands = 1;
    lb_delay_count_refused(&delay);
    ck_assert_uint_eq(delay.lost, 1);
    lb_delay_count_gone(&delay, 7);
    ck_assert_uint_eq(delay.lost, 2);
}
END_TEST

/* Nothing is lost while the newest go first, and as soon as they do not, something is. */
static int count_intervals_until_it_is_tried(lb_delay_t *delay, int64_t *now)
{
    int intervals = 0;
    for (; delay->stands; intervals++) {
        MUST(intervals < 1000);
        *now = pass_interval(delay, &adaptive, 9 * TARGET, *now + 1);
    }
    return intervals;
}

START_TEST(turn_by_turn_is_tried_again_and_ever_later_while_that_loses_requests)
{
    lb_delay_t delay;
    int64_t now = begin(&delay, &adaptive);
    static const int expected[] = { 2, 8, 16, 16 };
    now = pass_interval(&delay, &adaptive, 9 * TARGET, now + 1);
    for (int i = 0; i < 4; i++) {
        for (int n = 0; n < 10; n++) {
            lb_delay_count_refused(&delay);
        }
        now = pass_interval(&delay, &adaptive, 9 * TARGET, now + 1);
        ck_assert(delay.stands);
        ck_assert_int_eq(count_intervals_until_it_is_tried(&delay, &now), expected[i]);
    }
    for (int i = 0; i < 5; i++) {    /* it loses none for a while: that is forgotten */
        now = pass_interval(&delay, &adaptive, 9 * TARGET, now + 1);
    }
    ck_assert_uint_eq(delay.hold, 0);
}
END_TEST

/* ---- What follows ---------------------------------------------------------------------------- */

START_TEST(who_waits_half_as_long_as_those_who_went_is_old)
{
    lb_delay_t delay = { .stands = 1 };
    ck_assert_int_eq(lb_delay_old_before(&delay, &adaptive, 10000), 10000 - TARGET);
    lb_delay_count_gone(&delay, 400);
    ck_assert_int_eq(lb_delay_old_before(&delay, &adaptive, 10000), 10000 - 200);
    ck_assert_int_eq(lb_delay_old_before(&delay, &promised, 10000), 10000 - TARGET);
    for (int i = 0; i < 100; i++) {
        lb_delay_count_gone(&delay, 9 * TARGET);
    }
    ck_assert_int_eq(lb_delay_old_before(&delay, &adaptive, 10000), 10000 - TARGET);
}
END_TEST

START_TEST(nobody_is_too_late_before_twice_the_target)
{
    lb_delay_t delay = { .stands = 1 };
    lb_delay_count_gone(&delay, 10);    /* some have less patience */
    ck_assert(!lb_delay_is_too_late(&delay, &adaptive, 2 * TARGET));
    ck_assert(lb_delay_is_too_late(&delay, &adaptive, 2 * TARGET + 1));
    delay.stands = 0;
    ck_assert(!lb_delay_is_too_late(&delay, &adaptive, 100 * TARGET));
}
END_TEST

START_TEST(fixed_orders_do_not_look_at_it_and_refuse_nobody)
{
    const lb_delay_t stands = { .stands = 1 }, not = { .stands = 0 };
    ck_assert_int_eq(lb_delay_old_before(&stands, &fifo, 5), INT64_MIN);
    ck_assert_int_eq(lb_delay_old_before(&not, &lifo, 5), INT64_MAX);
    ck_assert(!lb_delay_is_too_late(&stands, &fifo, 100 * TARGET));
    ck_assert(!lb_delay_is_too_late(&stands, &lifo, 100 * TARGET));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("controlled delay");
    TCase *tc = tcase_create("controlled delay");
    tcase_add_test(tc, new_queue_does_not_stand);
    tcase_add_test(tc, longer_wait_than_the_target_in_all_of_an_interval_means_that_it_stands);
    tcase_add_test(tc, one_moment_within_the_target_means_that_it_does_not);
    tcase_add_test(tc, empty_queue_stands_no_longer);
    tcase_add_test(tc, queue_that_serves_everybody_does_not_stand_however_long_it_takes);
    tcase_add_test(tc, single_client_that_goes_is_no_overload);
    tcase_add_test(tc, one_of_twenty_may_be_lost_and_not_more);
    tcase_add_test(tc, it_stands_as_soon_as_requests_are_lost_not_at_the_end_of_the_interval);
    tcase_add_test(
        tc, few_losses_at_the_begin_of_an_interval_are_few_beside_those_served_in_the_one_before);
    tcase_add_test(tc, losses_of_a_queue_that_was_not_over_the_target_for_an_interval_say_nothing);
    tcase_add_test(tc, refusals_count_only_while_all_are_served_in_turn);
    tcase_add_test(tc, turn_by_turn_is_tried_again_and_ever_later_while_that_loses_requests);
    tcase_add_test(tc, who_waits_half_as_long_as_those_who_went_is_old);
    tcase_add_test(tc, nobody_is_too_late_before_twice_the_target);
    tcase_add_test(tc, fixed_orders_do_not_look_at_it_and_refuse_nobody);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
