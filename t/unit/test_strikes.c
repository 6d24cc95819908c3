/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_strikes.c - the window, events, bans that grow, trials that are joined: one caller, then
 * threads and processes on one row. */
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "strikes.h"
#include "processes.h"
#include "run_suite.h"

#define SECOND INT64_C(1000000)
#define NOW    (INT64_C(1700000000) * SECOND)    /* some day in 2023 */

static const lb_strike_rules_t rules = {
    .max = 3, .window = 10 * SECOND, .first_ban = SECOND, .longest_ban = 60 * SECOND
};

/* The row of a test alone. */
static lb_strikes_t *new_row(void)
{
    static lb_strikes_t row;
    memset(&row, 0, sizeof(row));
    return &row;
}

/* When a try began that was not under way at any strike before. */
#define JUST_NOW INT64_MAX

static uint32_t hard(lb_strikes_t *s, int64_t now)
{
    return lb_strikes_add(s, &rules, false, JUST_NOW, now);
}

static uint32_t soft(lb_strikes_t *s, int64_t now)
{
    return lb_strikes_add(s, &rules, true, JUST_NOW, now);
}

static lb_phase_t phase(const lb_strikes_t *s, int64_t now)
{
    return lb_strikes_look(s, now).phase;
}

/* Claim when it is time. */
static uint64_t try_claim(lb_strikes_t *s, uint32_t owner, int64_t now)
{
    const lb_strikes_view_t seen = lb_strikes_look(s, now);
    return seen.phase == LB_BANNED && lb_strikes_ban_is_over(&seen, &rules, now)
               ? lb_strikes_claim(s, &seen, owner, now)
               : 0;
}

/* ---- The window ------------------------------------------------------------------------------ */

START_TEST(new_row_is_in_service_without_strikes)
{
    lb_strikes_t *s = new_row();
    ck_assert_int_eq(phase(s, NOW), LB_IN_SERVICE);
    ck_assert_uint_eq(lb_strikes_count(s, &rules, NOW), 0);
}
END_TEST

START_TEST(strikes_within_the_window_add_up)
{
    lb_strikes_t *s = new_row();
    ck_assert_uint_eq(hard(s, NOW), 1);
    ck_assert_uint_eq(hard(s, NOW), 2);
    ck_assert_uint_eq(hard(s, NOW + 10 * SECOND), 3);
    ck_assert_uint_eq(lb_strikes_count(s, &rules, NOW + 10 * SECOND), 3);
}
END_TEST

START_TEST(strike_leaves_the_window_on_the_millisecond)
{
    lb_strikes_t *s = new_row();
    hard(s, NOW);
    hard(s, NOW + 4 * SECOND);
    ck_assert_uint_eq(lb_strikes_count(s, &rules, NOW + 10 * SECOND), 2);
    ck_assert_uint_eq(lb_strikes_count(s, &rules, NOW + 10 * SECOND + 1000), 1);
    ck_assert_uint_eq(lb_strikes_count(s, &rules, NOW + 14 * SECOND), 1);
    ck_assert_uint_eq(lb_strikes_count(s, &rules, NOW + 14 * SECOND + 1000), 0);
}
END_TEST

START_TEST(two_and_two_with_a_pause_are_not_three)
{
    lb_strikes_t *s = new_row();
    hard(s, NOW);
    hard(s, NOW + SECOND);
    ck_assert_uint_eq(hard(s, NOW + 12 * SECOND), 1);
    ck_assert_uint_eq(hard(s, NOW + 13 * SECOND), 2);
    ck_assert_uint_eq(hard(s, NOW + 14 * SECOND), 3);
}
END_TEST

START_TEST(window_slides_while_strikes_go_on)
{
    lb_strikes_t *s = new_row();
    for (int i = 0; i < 1000; i++) {    /* one each six seconds: two fit */
        ck_assert_uint_eq(hard(s, NOW + i * 6 * SECOND), i == 0 ? 1 : 2);
    }
}
END_TEST

START_TEST(row_remembers_the_last_sixteen)
{
    lb_strikes_t *s = new_row();
    for (uint32_t i = 1; i <= 40; i++) {
        ck_assert_uint_eq(hard(s, NOW + i), i < LB_STRIKES_MAX ? i : LB_STRIKES_MAX);
    }
}
END_TEST

START_TEST(mark_of_weeks_ago_does_not_look_new)
{
    lb_strikes_t *s = new_row();
    const int64_t again = NOW + (INT64_C(1) << 31) * 1000;    /* the mark would be the same */
    hard(s, NOW);
    hard(s, NOW + 1);
    ck_assert_uint_eq(hard(s, again), 1);
}
END_TEST

START_TEST(clock_that_was_set_back_brings_no_strikes_back)
{
    lb_strikes_t *s = new_row();
    hard(s, NOW + 3600 * SECOND);
    hard(s, NOW + 3600 * SECOND);
    ck_assert_uint_eq(hard(s, NOW), 1);
    ck_assert_uint_eq(hard(s, NOW - 1000), 2);    /* another thread's clock */
}
END_TEST

START_TEST(success_forgives_soft_strikes_and_no_hard_ones)
{
    lb_strikes_t *s = new_row();
    soft(s, NOW);
    hard(s, NOW);
    soft(s, NOW + 1000);
    lb_strikes_forgive(s, NOW + 2000);
    ck_assert_uint_eq(lb_strikes_count(s, &rules, NOW + 3000), 1);
    ck_assert_uint_eq(soft(s, NOW + 4000), 2);
}
END_TEST

START_TEST(soft_strikes_without_a_success_between_them_add_up)
{
    lb_strikes_t *s = new_row();
    lb_strikes_forgive(s, NOW - 1000);
    soft(s, NOW);
    soft(s, NOW + SECOND);
    ck_assert_uint_eq(soft(s, NOW + 2 * SECOND), 3);
}
END_TEST

START_TEST(success_writes_only_when_there_is_something_to_forgive)
{
    lb_strikes_t *s = new_row();
    hard(s, NOW);
    lb_strikes_forgive(s, NOW + SECOND);
    ck_assert_int_eq(s->forgiven_at, 0);
}
END_TEST

/* ---- One event ------------------------------------------------------------------------------- */

START_TEST(tries_that_break_together_are_one_strike)
{
    lb_strikes_t *s = new_row();
    for (int i = 0; i < 100; i++) {
        const int64_t began = NOW - 5 * SECOND + i;
        ck_assert_uint_eq(lb_strikes_add(s, &rules, true, began, NOW + i * SECOND / 200), 1);
    }
    ck_assert_int_eq(s->last_at, NOW);
}
END_TEST

START_TEST(try_that_began_after_the_strike_counts_at_once)
{
    lb_strikes_t *s = new_row();
    ck_assert_uint_eq(lb_strikes_add(s, &rules, false, NOW - SECOND, NOW), 1);
    ck_assert_uint_eq(lb_strikes_add(s, &rules, false, NOW, NOW + 1000), 1);
    ck_assert_uint_eq(lb_strikes_add(s, &rules, false, NOW + 1, NOW + 1000), 2);
}
END_TEST

START_TEST(try_that_breaks_a_second_later_is_another_event)
{
    lb_strikes_t *s = new_row();
    ck_assert_uint_eq(lb_strikes_add(s, &rules, true, NOW - SECOND, NOW), 1);
    ck_assert_uint_eq(lb_strikes_add(s, &rules, true, NOW - SECOND, NOW + SECOND - 1), 1);
    ck_assert_uint_eq(lb_strikes_add(s, &rules, true, NOW - SECOND, NOW + SECOND), 2);
}
END_TEST

/* ---- Bans ------------------------------------------------------------------------------------ */

START_TEST(ban_lasts_its_time_and_a_second_one_changes_nothing)
{
    lb_strikes_t *s = new_row();
    ck_assert_int_eq(lb_strikes_ban(s, &rules, NOW), SECOND);
    ck_assert_int_eq(lb_strikes_ban(s, &rules, NOW + 1), 0);
    lb_strikes_view_t seen = lb_strikes_look(s, NOW);
    ck_assert_int_eq(seen.phase, LB_BANNED);
    ck_assert_int_eq(seen.until, NOW + SECOND);
    ck_assert(!lb_strikes_ban_is_over(&seen, &rules, NOW + SECOND - 1));
    ck_assert(lb_strikes_ban_is_over(&seen, &rules, NOW + SECOND));
    ck_assert_int_eq(s->since, NOW);
}
END_TEST

START_TEST(ban_of_a_clock_that_was_set_back_is_over)
{
    lb_strikes_t *s = new_row();
    lb_strikes_ban(s, &rules, NOW);
    const lb_strikes_view_t seen = lb_strikes_look(s, NOW - 3600 * SECOND);
    ck_assert(lb_strikes_ban_is_over(&seen, &rules, NOW - 3600 * SECOND));
}
END_TEST

START_TEST(failed_trials_double_the_ban_up_to_the_longest)
{
    static const int seconds[] = { 2, 4, 8, 16, 32, 60, 60, 60 };
    lb_strikes_t *s = new_row();
    int64_t now = NOW + lb_strikes_ban(s, &rules, NOW);

    for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        const uint64_t claim = try_claim(s, 77, now);
        ck_assert_uint_ne(claim, 0);
        const int64_t length = lb_strikes_fail(s, claim, &rules, now);
        ck_assert_int_eq(length, seconds[i] * SECOND);
        now += length;
    }
}
END_TEST

START_TEST(growth_goes_on_after_a_short_service_and_ends_after_a_long_one)
{
    lb_strikes_t *s = new_row();
    int64_t now = NOW + lb_strikes_ban(s, &rules, NOW);
    ck_assert(lb_strikes_pass(s, try_claim(s, 77, now), now));
    now += SECOND - 1;
    ck_assert_int_eq(lb_strikes_ban(s, &rules, now), 2 * SECOND);
    now += 2 * SECOND;
    ck_assert(lb_strikes_pass(s, try_claim(s, 77, now), now));
    now += 2 * SECOND;
    ck_assert_int_eq(lb_strikes_ban(s, &rules, now), SECOND);
}
END_TEST

START_TEST(ban_is_never_shorter_than_the_first_when_the_rules_change)
{
    const lb_strike_rules_t longer = { 3, 10 * SECOND, 30 * SECOND, 300 * SECOND };
    lb_strikes_t *s = new_row();
    int64_t now = NOW + lb_strikes_ban(s, &rules, NOW);
    ck_assert_int_eq(lb_strikes_fail(s, try_claim(s, 77, now), &longer, now), 30 * SECOND);
}
END_TEST

START_TEST(ban_is_the_same_after_a_restart_unless_it_is_over)
{
    lb_strikes_t *s = new_row();
    int64_t since, length;
    lb_strikes_ban_of(s, &since, &length);
    ck_assert_int_eq(since, 0);
    ck_assert_int_eq(length, 0);
    lb_strikes_ban(s, &rules, NOW);
    lb_strikes_ban_of(s, &since, &length);
    ck_assert_int_eq(since, NOW);
    ck_assert_int_eq(length, SECOND);
    s = new_row();
    lb_strikes_ban_again(s, since, length, NOW + SECOND);
    ck_assert_int_eq(phase(s, NOW), LB_IN_SERVICE);
    lb_strikes_ban_again(s, since, length, NOW + SECOND - 1);
    ck_assert_int_eq(lb_strikes_look(s, NOW).until, NOW + SECOND);
    ck_assert_int_eq(lb_strikes_fail(s, try_claim(s, 77, NOW + SECOND), &rules, NOW + SECOND),
                     2 * SECOND);
}
END_TEST

/* ---- Trials ---------------------------------------------------------------------------------- */

START_TEST(trial_says_whose_it_is_and_how_old)
{
    lb_strikes_t *s = new_row();
    lb_strikes_ban(s, &rules, NOW);
    ck_assert_uint_eq(try_claim(s, 77, NOW), 0);    /* not yet */
    ck_assert_uint_ne(try_claim(s, 4194303, NOW + SECOND), 0);
    const lb_strikes_view_t seen = lb_strikes_look(s, NOW + 3 * SECOND);
    ck_assert_int_eq(seen.phase, LB_ON_TRIAL);
    ck_assert_uint_eq(seen.owner, 4194303);
    ck_assert_int_eq(seen.age, 2 * SECOND);
}
END_TEST

START_TEST(one_of_two_who_saw_the_same_gets_the_trial)
{
    lb_strikes_t *s = new_row();
    lb_strikes_ban(s, &rules, NOW);
    const lb_strikes_view_t seen = lb_strikes_look(s, NOW + SECOND);
    ck_assert_uint_ne(lb_strikes_claim(s, &seen, 1, NOW + SECOND), 0);
    ck_assert_uint_eq(lb_strikes_claim(s, &seen, 2, NOW + SECOND), 0);
}
END_TEST

START_TEST(passed_trial_forgets_all_strikes)
{
    lb_strikes_t *s = new_row();
    hard(s, NOW);
    hard(s, NOW);
    lb_strikes_ban(s, &rules, NOW);
    ck_assert(lb_strikes_pass(s, try_claim(s, 77, NOW + SECOND), NOW + SECOND));
    ck_assert_int_eq(phase(s, NOW + SECOND), LB_IN_SERVICE);
    ck_assert_int_eq(s->since, NOW + SECOND);
    ck_assert_uint_eq(hard(s, NOW + SECOND), 1);
}
END_TEST

START_TEST(trial_that_proved_nothing_is_due_again_at_once)
{
    lb_strikes_t *s = new_row();
    lb_strikes_ban(s, &rules, NOW);
    ck_assert(lb_strikes_let_go(s, try_claim(s, 77, NOW + SECOND), NOW + SECOND));
    const uint64_t claim = try_claim(s, 78, NOW + SECOND);
    ck_assert_uint_ne(claim, 0);
    ck_assert_int_eq(lb_strikes_fail(s, claim, &rules, NOW + SECOND), 2 * SECOND);
}
END_TEST

/* Join the trial when it is open. */
static uint64_t try_join(lb_strikes_t *s, uint32_t owner, int64_t now)
{
    const lb_strikes_view_t seen = lb_strikes_look(s, now);
    return seen.phase == LB_ON_TRIAL && lb_strikes_trial_is_open(&seen)
               ? lb_strikes_claim(s, &seen, owner, now)
               : 0;
}

START_TEST(trial_is_joined_after_two_seconds_and_then_each_time_its_run_has_doubled)
{
    static const int seconds[] = { 2, 4, 8, 16, 32 };
    lb_strikes_t *s = new_row();
    lb_strikes_ban(s, &rules, NOW);
    const int64_t began = NOW + SECOND;
    ck_assert_uint_ne(try_claim(s, 77, began), 0);
    for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        const int64_t at = began + seconds[i] * SECOND;
        ck_assert_uint_eq(try_join(s, 78, at - 1000), 0);
        ck_assert_uint_ne(try_join(s, 78, at), 0);
        ck_assert_int_eq(s->since, began);
    }
}
END_TEST

/* The claims of a run of two. */
static void claim_two(lb_strikes_t *s, uint64_t claims[2], int64_t now)
{
    claims[0] = try_claim(s, 77, now);
    claims[1] = try_join(s, 78, now + 2 * SECOND);
    ck_assert(claims[0] && claims[1]);
}

START_TEST(first_of_a_run_that_ends_settles_it)
{
    for (int i = 0; i < 2; i++) {
        uint64_t claims[2];
        lb_strikes_t *s = new_row();
        int64_t now = NOW + lb_strikes_ban(s, &rules, NOW);
        claim_two(s, claims, now);
        now += 3 * SECOND;
        ck_assert_int_eq(lb_strikes_fail(s, claims[i], &rules, now), 2 * SECOND);
        ck_assert(!lb_strikes_pass(s, claims[1 - i], now));
        now += 2 * SECOND;
        claim_two(s, claims, now);
        ck_assert(lb_strikes_pass(s, claims[i], now + 3 * SECOND));
        ck_assert_int_eq(lb_strikes_fail(s, claims[1 - i], &rules, now + 3 * SECOND), 0);
        ck_assert_int_eq(phase(s, now + 3 * SECOND), LB_IN_SERVICE);
    }
}
END_TEST

START_TEST(run_goes_on_when_one_that_was_joined_proved_nothing)
{
    uint64_t claims[2];
    lb_strikes_t *s = new_row();
    const int64_t now = NOW + lb_strikes_ban(s, &rules, NOW);
    claim_two(s, claims, now);
    ck_assert(!lb_strikes_let_go(s, claims[0], now + 3 * SECOND));
    ck_assert_int_eq(phase(s, now + 3 * SECOND), LB_ON_TRIAL);
    ck_assert(lb_strikes_let_go(s, claims[1], now + 3 * SECOND));
    ck_assert_int_eq(phase(s, now + 3 * SECOND), LB_BANNED);
}
END_TEST

START_TEST(late_end_of_an_earlier_run_settles_nothing)
{
    uint64_t claims[2];
    lb_strikes_t *s = new_row();
    int64_t now = NOW + lb_strikes_ban(s, &rules, NOW);
    claim_two(s, claims, now);
    now += 3 * SECOND;
    now += lb_strikes_fail(s, claims[1], &rules, now);
    const uint64_t next = try_claim(s, 79, now);
    ck_assert_uint_ne(next, 0);
    ck_assert(!lb_strikes_pass(s, claims[0], now));
    ck_assert_int_eq(lb_strikes_fail(s, claims[0], &rules, now), 0);
    ck_assert(!lb_strikes_let_go(s, claims[0], now));
    ck_assert_int_eq(phase(s, now), LB_ON_TRIAL);
    ck_assert(lb_strikes_pass(s, next, now));
}
END_TEST

START_TEST(recovery_ends_ban_and_trial)
{
    lb_strikes_t *s = new_row();
    ck_assert(!lb_strikes_recover(s, NOW));
    lb_strikes_ban(s, &rules, NOW);
    ck_assert(lb_strikes_recover(s, NOW));
    ck_assert_int_eq(phase(s, NOW), LB_IN_SERVICE);
    lb_strikes_ban(s, &rules, NOW);
    const uint64_t claim = try_claim(s, 77, NOW + 2 * SECOND);
    ck_assert(lb_strikes_recover(s, NOW + 2 * SECOND));
    ck_assert(!lb_strikes_pass(s, claim, NOW + 2 * SECOND));
}
END_TEST

/* ---- Many at once ---------------------------------------------------------------------------- */

#define CALLERS 8
#define ROUNDS  2000

/* In one piece, so that processes can share it. */
typedef struct {
    lb_strikes_t row;
    _Atomic uint32_t at_the_gate[2];
    _Atomic uint32_t bans, claims, passes;
    _Atomic int32_t on_trial;       /* must never be over 1 */
    _Atomic uint32_t wrong;
} arena_t;

static void meet(arena_t *a, int gate, uint32_t round)
{
    atomic_fetch_add(&a->at_the_gate[gate], 1);
    while (atomic_load(&a->at_the_gate[gate]) < CALLERS * (round + 1)) {
        sched_yield();
    }
}

/* Each round: all strike at once, then all want the trial. */
static void play(arena_t *a, uint32_t me)
{
    static const lb_strike_rules_t many = { CALLERS, 10 * SECOND, SECOND, 60 * SECOND };

    for (uint32_t round = 0; round < ROUNDS; round++) {
        const int64_t now = NOW + round * 100 * SECOND;
        if (lb_strikes_add(&a->row, &many, me % 2, JUST_NOW, now) >= many.max
            && lb_strikes_ban(&a->row, &many, now)) {
            atomic_fetch_add(&a->bans, 1);
        }
        meet(a, 0, round);
        const uint64_t claim = try_claim(&a->row, me + 1, now + 90 * SECOND);
        if (claim) {
            atomic_fetch_add(&a->claims, 1);
            a->wrong += atomic_fetch_add(&a->on_trial, 1) != 0;
            sched_yield();
            atomic_fetch_sub(&a->on_trial, 1);
            a->passes += lb_strikes_pass(&a->row, claim, now + 90 * SECOND);
        }
        meet(a, 1, round);
    }
}

static arena_t *new_arena(void)
{
    return shared_memory(sizeof(arena_t));
}

/* The last of them to strike sees all strikes, so nobody bans too early, and one always does. */
static void assert_one_of_each_in_each_round(const arena_t *a)
{
    ck_assert_uint_eq(a->bans, ROUNDS);
    ck_assert_uint_eq(a->claims, ROUNDS);
    ck_assert_uint_eq(a->passes, ROUNDS);
    ck_assert_uint_eq(a->wrong, 0);
}

static arena_t *the_arena;

static void *play_as_thread(void *me)
{
    play(the_arena, (uint32_t)(uintptr_t)me);
    return NULL;
}

START_TEST(of_eight_threads_one_bans_and_one_tries)
{
    pthread_t threads[CALLERS];
    the_arena = new_arena();
    for (uintptr_t i = 0; i < CALLERS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, play_as_thread, (void *)i), 0);
    }
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_one_of_each_in_each_round(the_arena);
}
END_TEST

START_TEST(of_eight_processes_one_bans_and_one_tries)
{
    pid_t children[CALLERS];
    arena_t *a = new_arena();
    for (uint32_t i = 0; i < CALLERS; i++) {
        children[i] = start_child();
        if (children[i] == 0) {
            play(a, i);
            _exit(0);
        }
    }
    for (int i = 0; i < CALLERS; i++) {
        assert_ends_well(children[i]);
    }
    assert_one_of_each_in_each_round(a);
}
END_TEST

static TCase *window(void)
{
    TCase *tc = tcase_create("window");
    tcase_add_test(tc, new_row_is_in_service_without_strikes);
    tcase_add_test(tc, strikes_within_the_window_add_up);
    tcase_add_test(tc, strike_leaves_the_window_on_the_millisecond);
    tcase_add_test(tc, two_and_two_with_a_pause_are_not_three);
    tcase_add_test(tc, window_slides_while_strikes_go_on);
    tcase_add_test(tc, row_remembers_the_last_sixteen);
    tcase_add_test(tc, mark_of_weeks_ago_does_not_look_new);
    tcase_add_test(tc, clock_that_was_set_back_brings_no_strikes_back);
    tcase_add_test(tc, success_forgives_soft_strikes_and_no_hard_ones);
    tcase_add_test(tc, soft_strikes_without_a_success_between_them_add_up);
    tcase_add_test(tc, success_writes_only_when_there_is_something_to_forgive);
    tcase_add_test(tc, tries_that_break_together_are_one_strike);
    tcase_add_test(tc, try_that_began_after_the_strike_counts_at_once);
    tcase_add_test(tc, try_that_breaks_a_second_later_is_another_event);
    return tc;
}

static TCase *bans_and_trials(void)
{
    TCase *tc = tcase_create("bans and trials");
    tcase_add_test(tc, ban_lasts_its_time_and_a_second_one_changes_nothing);
    tcase_add_test(tc, ban_of_a_clock_that_was_set_back_is_over);
    tcase_add_test(tc, failed_trials_double_the_ban_up_to_the_longest);
    tcase_add_test(tc, growth_goes_on_after_a_short_service_and_ends_after_a_long_one);
    tcase_add_test(tc, ban_is_never_shorter_than_the_first_when_the_rules_change);
    tcase_add_test(tc, ban_is_the_same_after_a_restart_unless_it_is_over);
    tcase_add_test(tc, trial_says_whose_it_is_and_how_old);
    tcase_add_test(tc, one_of_two_who_saw_the_same_gets_the_trial);
    tcase_add_test(tc, passed_trial_forgets_all_strikes);
    tcase_add_test(tc, trial_that_proved_nothing_is_due_again_at_once);
    tcase_add_test(tc, trial_is_joined_after_two_seconds_and_then_each_time_its_run_has_doubled);
    tcase_add_test(tc, first_of_a_run_that_ends_settles_it);
    tcase_add_test(tc, run_goes_on_when_one_that_was_joined_proved_nothing);
    tcase_add_test(tc, late_end_of_an_earlier_run_settles_nothing);
    tcase_add_test(tc, recovery_ends_ban_and_trial);
    return tc;
}

static TCase *threads_on_one_row(void)
{
    TCase *tc = tcase_create("threads");
    tcase_set_timeout(tc, 50);
    tcase_add_test(tc, of_eight_threads_one_bans_and_one_tries);
    return tc;
}

static TCase *processes_on_one_row(void)
{
    TCase *tc = tcase_create("processes");
    tcase_set_timeout(tc, 50);
    tcase_add_test(tc, of_eight_processes_one_bans_and_one_tries);
    return tc;
}

int main(void)
{
    Suite *suite = suite_create("strikes");
    suite_add_tcase(suite, window());
    suite_add_tcase(suite, bans_and_trials());
    suite_add_tcase(suite, threads_on_one_row());
    suite_add_tcase(suite, processes_on_one_row());
    return run_suite(suite);
}
