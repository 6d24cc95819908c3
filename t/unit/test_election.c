/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_election.c - who gets how much: one caller, eight threads, eight processes, and a process
 * that is killed.
 *
 * The bounds. s = LB_STRIDE * 100 / weight, p = weight / all weights, m = members. All passes
 * start equal, and the smallest is always taken; so, when a winner's pass is V above the start, a
 * member has had got = V / s + d elections, with 0 <= d <= 1. Over all members, n = V * sum(1 / s)
 * + sum(d). Therefore   got - n * p  =  d - p * sum(d),   which lies in   [-(m - 1) * p, 1 - p].
 * When n is a multiple of a round (all weights / their greatest common divisor), V is a multiple
 * of all strides, every d is 0, and the shares are exact. Both hold at every n. */
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "election.h"
#include "processes.h"
#include "run_suite.h"

#define MAX_MEMBERS 16
#define CALLERS 8
#define ELECTIONS_EACH 100000

/* ---- A cluster ------------------------------------------------------------------------------- */

typedef struct {
    const char *name;
    uint32_t weights[MAX_MEMBERS + 1];   /* ends with 0 */
} weights_t;

/* All of them divide 100 * LB_STRIDE. */
static const weights_t exact_sets[] = {
    { "alone", { 100 } },
    { "1:1", { 100, 100 } },
    { "1:1:1", { 100, 100, 100 } },
    { "5:3:2", { 500, 300, 200 } },
    { "2:3:5", { 200, 300, 500 } },
    { "3:1", { 300, 100 } },
    { "1.5:1", { 150, 100 } },
    { "1:16", { 100, 1600 } },
    { "16 equal",
      { 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100 } },
    { "1 to 16",
      { 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000, 1100, 1200, 1300, 1400, 1500, 1600 } },
    { "16 mixed",
      { 1600, 100, 150, 1200, 125, 100, 500, 300, 250, 700, 200, 100, 1100, 900, 1300, 175 } },
};
#define EXACT_SETS (sizeof(exact_sets) / sizeof(exact_sets[0]))
#define FIVE_THREE_TWO (&exact_sets[3])
#define MIXED (&exact_sets[EXACT_SETS - 1])

/* Strides that are rounded down. */
static const weights_t rounded_sets[] = {
    { "100:1", { 10000, 100 } },
    { "1:100", { 100, 10000 } },
    { "17:19:23", { 1700, 1900, 2300 } },
    { "1.01:100:37", { 101, 10000, 3700 } },
    { "100:99.99", { 10000, 9999 } },
};
#define ROUNDED_SETS (sizeof(rounded_sets) / sizeof(rounded_sets[0]))

/* The counters, in one piece so that they can be shared. */
typedef struct {
    _Atomic uint64_t clock;
    _Atomic uint64_t pass[MAX_MEMBERS];
    _Atomic uint64_t got[MAX_MEMBERS];    /* as callers counted */
    _Atomic uint64_t victim_got;          /* by processes that are to be killed */
    _Atomic uint32_t may_start, may_stop;
} counters_t;

typedef struct {
    counters_t *counters;
    lb_candidate_t candidates[MAX_MEMBERS];
    size_t count;
} cluster_t;

static uint64_t stride(uint32_t weight)
{
    return (uint64_t)LB_STRIDE * 100 / weight;
}

static cluster_t cluster_over(counters_t *counters, const weights_t *set)
{
    cluster_t cluster = { counters };
    for (size_t i = 0; set->weights[i]; i++) {
        cluster.candidates[i] = (lb_candidate_t){ &counters->pass[i], set->weights[i] };
        cluster.count++;
    }
    return cluster;
}

/* A cluster of the test alone, all counters 0; the one before it is gone. */
static cluster_t new_cluster(const weights_t *set)
{
    static counters_t counters;
    memset(&counters, 0, sizeof(counters));
    return cluster_over(&counters, set);
}

static counters_t *shared_counters(void)
{
    return shared_memory(sizeof(counters_t));
}

static size_t elect(cluster_t *cluster)
{
    const int elected = lb_election_elect(&cluster->counters->clock, cluster->candidates,
                                          cluster->count);
    MUST(elected >= 0 && (size_t)elected < cluster->count);
    atomic_fetch_add(&cluster->counters->got[elected], 1);
    return (size_t)elected;
}

static void charge(cluster_t *cluster, size_t member)
{
    lb_election_charge(&cluster->counters->clock, &cluster->candidates[member]);
    lb_election_follow(&cluster->counters->clock, cluster->candidates, cluster->count);
    atomic_fetch_add(&cluster->counters->got[member], 1);
}

static void elect_often(cluster_t *cluster, size_t times)
{
    for (size_t i = 0; i < times; i++) {
        elect(cluster);
    }
}

static void forget_what_they_got(cluster_t *cluster)
{
    memset(cluster->counters->got, 0, sizeof(cluster->counters->got));
}

static uint64_t sum(const cluster_t *cluster)
{
    uint64_t n = 0;
    for (size_t i = 0; i < cluster->count; i++) {
        n += cluster->counters->got[i];
    }
    return n;
}

static uint32_t all_weights(const cluster_t *cluster)
{
    uint32_t all = 0;
    for (size_t i = 0; i < cluster->count; i++) {
        all += cluster->candidates[i].weight;
    }
    return all;
}

static uint32_t round_of(const cluster_t *cluster)
{
    uint32_t divisor = 0;
    for (size_t i = 0; i < cluster->count; i++) {
        uint32_t other = cluster->candidates[i].weight;
        while (other) {
            const uint32_t rest = divisor % other;
            divisor = other;
            other = rest;
        }
    }
    return all_weights(cluster) / divisor;
}

/* got - n * p, above what it should be. */
static double too_many(const cluster_t *cluster, size_t member)
{
    const double p = (double)cluster->candidates[member].weight / all_weights(cluster);
    return (double)cluster->counters->got[member] - (double)sum(cluster) * p;
}

/* The bound of the opening comment, in whole numbers. */
static bool shares_are_right(const cluster_t *cluster)
{
    const int64_t n = (int64_t)sum(cluster), all = all_weights(cluster);
    for (size_t i = 0; i < cluster->count; i++) {
        const int64_t weight = cluster->candidates[i].weight;
        const int64_t above = (int64_t)cluster->counters->got[i] * all - n * weight;
        if (above < -(int64_t)(cluster->count - 1) * weight || above > all - weight) {
            return false;
        }
    }
    return true;
}

/* Did they get what one caller alone would have given them? */
static bool shares_are_as_of_one_caller(const cluster_t *cluster, const weights_t *set)
{
    cluster_t alone = new_cluster(set);
    elect_often(&alone, sum(cluster));
    return memcmp(alone.counters->got, cluster->counters->got, sizeof(alone.counters->got)) == 0;
}

/* ---- One caller ------------------------------------------------------------------------------ */

START_TEST(nobody_is_elected_from_none)
{
    _Atomic uint64_t clock = 42;
    ck_assert_int_eq(lb_election_elect(&clock, NULL, 0), -1);
    ck_assert_uint_eq(clock, 42);
}
END_TEST

START_TEST(one_member_gets_all)
{
    cluster_t cluster = new_cluster(&exact_sets[0]);
    elect_often(&cluster, 1000);
    ck_assert_uint_eq(cluster.counters->got[0], 1000);
    ck_assert_uint_eq(cluster.counters->pass[0], 1000 * (uint64_t)LB_STRIDE);
}
END_TEST

START_TEST(shares_are_right_after_every_election)
{
    cluster_t cluster = new_cluster(&exact_sets[_i]);
    for (int n = 1; n <= 20000; n++) {
        elect(&cluster);
        if (!shares_are_right(&cluster)) {
            ck_abort_msg("weights %s, after %d elections", exact_sets[_i].name, n);
        }
    }
}
END_TEST

START_TEST(shares_are_exact_after_every_full_round)
{
    cluster_t cluster = new_cluster(&exact_sets[_i]);
    const uint32_t round = round_of(&cluster), all = all_weights(&cluster);
    for (uint64_t rounds = 1; rounds <= 200; rounds++) {
        elect_often(&cluster, round);
        for (size_t i = 0; i < cluster.count; i++) {
            MUST(cluster.counters->got[i] * all
                 == rounds * round * cluster.candidates[i].weight);
        }
    }
}
END_TEST

START_TEST(all_pairs_of_whole_weights_to_16_come_round)
{
    for (uint32_t a = 1; a <= 16; a++) {
        for (uint32_t b = 1; b <= 16; b++) {
            const weights_t set = { "a:b", { a * 100, b * 100 } };
            cluster_t cluster = new_cluster(&set);
            elect_often(&cluster, (size_t)(a + b) * 10);
            MUST(cluster.counters->got[0] == a * 10 && cluster.counters->got[1] == b * 10);
        }
    }
}
END_TEST

/* A stride is rounded down by less than 1, and is at least 7207. That moves a share by at most
 * p * (1 - p) / 7206: at most one election in 28,000. */
START_TEST(rounded_strides_move_a_share_by_less_than_one_in_28000)
{
    cluster_t cluster = new_cluster(&rounded_sets[_i]);
    const double members = (double)cluster.count;
    for (int n = 1; n <= 100000; n++) {
        elect(&cluster);
        for (size_t i = 0; i < cluster.count; i++) {
            const double p = (double)cluster.candidates[i].weight / all_weights(&cluster);
            const double drift = n * p * (1 - p) / 7206;
            const double above = too_many(&cluster, i);
            if (above > 1 + drift || above < -(members - 1) * p * 1.001 - drift) {
                ck_abort_msg("weights %s, member %zu is %f above its share after %d elections",
                             rounded_sets[_i].name, i, above, n);
            }
        }
    }
}
END_TEST

START_TEST(hundred_to_one_is_exact_in_each_of_the_first_rounds)
{
    cluster_t cluster = new_cluster(&rounded_sets[0]);
    for (uint64_t rounds = 1; rounds <= 300; rounds++) {
        elect_often(&cluster, 101);
        MUST(cluster.counters->got[1] == rounds);
    }
}
END_TEST

START_TEST(five_three_two_goes_in_this_order)
{
    const char *expected = "abcabacabaabcabacaba";
    cluster_t cluster = new_cluster(FIVE_THREE_TWO);
    for (size_t i = 0; expected[i]; i++) {
        ck_assert_int_eq("abc"[elect(&cluster)], expected[i]);
    }
}
END_TEST

START_TEST(five_three_two_takes_nobody_three_times_in_a_row)
{
    cluster_t cluster = new_cluster(FIVE_THREE_TWO);
    size_t last = MAX_MEMBERS;
    for (int n = 0, in_a_row = 0; n < 100000; n++) {
        const size_t elected = elect(&cluster);
        in_a_row = elected == last ? in_a_row + 1 : 1;
        last = elected;
        MUST(in_a_row <= 2);
    }
}
END_TEST

START_TEST(ties_go_to_the_lower_index)
{
    cluster_t cluster = new_cluster(&exact_sets[8]);    /* 16 equal */
    for (size_t n = 0; n < 160; n++) {
        ck_assert_uint_eq(elect(&cluster), n % 16);
    }
}
END_TEST

START_TEST(order_of_candidates_decides_ties_and_not_the_order_of_counters)
{
    cluster_t cluster = new_cluster(&exact_sets[1]);
    cluster.candidates[0].pass = &cluster.counters->pass[1];
    cluster.candidates[1].pass = &cluster.counters->pass[0];
    ck_assert_uint_eq(elect(&cluster), 0);
    ck_assert_uint_eq(cluster.counters->pass[0], 0);
    ck_assert_uint_eq(cluster.counters->pass[1], LB_STRIDE);
}
END_TEST

START_TEST(clock_is_the_pass_of_the_last_winner_and_never_falls)
{
    cluster_t cluster = new_cluster(MIXED);
    uint64_t last = 0;
    for (int n = 0; n < 10000; n++) {
        uint64_t before[MAX_MEMBERS];
        for (size_t i = 0; i < cluster.count; i++) {
            before[i] = cluster.counters->pass[i];
        }
        const size_t elected = elect(&cluster);
        MUST(cluster.counters->clock == before[elected] && cluster.counters->clock >= last);
        last = cluster.counters->clock;
        for (size_t i = 0; i < cluster.count; i++) {
            MUST(cluster.counters->pass[i] >= last);
            MUST(cluster.counters->pass[i]
                 == before[i] + (i == elected ? stride(cluster.candidates[i].weight) : 0));
        }
    }
}
END_TEST

/* ---- Members come and go --------------------------------------------------------------------- */

/* When passes start anywhere within one stride of the clock, d of the opening comment lies between
 * -1 and 1. */
static bool shares_are_right_from_a_mixed_start(const cluster_t *cluster)
{
    for (size_t i = 0; i < cluster->count; i++) {
        const double p = (double)cluster->candidates[i].weight / all_weights(cluster);
        const double bound = 1 - p + (double)(cluster->count - 1) * p + 1e-6;
        const double above = too_many(cluster, i);
        if (above > bound || above < -bound) {
            return false;
        }
    }
    return true;
}

START_TEST(member_that_comes_back_gets_its_share_and_no_flood)
{
    cluster_t cluster = new_cluster(&exact_sets[_i]);
    elect_often(&cluster, 30);
    cluster.count--;    /* the last member goes away */
    elect_often(&cluster, 1000);
    cluster.count++;
    forget_what_they_got(&cluster);
    for (int n = 1; n <= 10000; n++) {
        elect(&cluster);
        MUST(shares_are_right_from_a_mixed_start(&cluster));
    }
}
END_TEST

START_TEST(new_member_starts_at_the_clock)
{
    cluster_t cluster = new_cluster(&exact_sets[2]);
    cluster.count = 2;
    elect_often(&cluster, 1000000);
    cluster.count = 3;
    forget_what_they_got(&cluster);
    elect_often(&cluster, 300);
    ck_assert_uint_eq(cluster.counters->got[0], 100);
    ck_assert_uint_eq(cluster.counters->got[1], 100);
    ck_assert_uint_eq(cluster.counters->got[2], 100);
}
END_TEST

START_TEST(the_others_share_what_a_lost_member_had)
{
    cluster_t cluster = new_cluster(FIVE_THREE_TWO);
    elect_often(&cluster, 100);
    cluster.count = 2;    /* 5:3 are left, all passes are equal */
    forget_what_they_got(&cluster);
    elect_often(&cluster, 800);
    ck_assert_uint_eq(cluster.counters->got[0], 500);
    ck_assert_uint_eq(cluster.counters->got[1], 300);
}
END_TEST

START_TEST(weight_changed_after_a_round_is_exact_from_then_on)
{
    cluster_t cluster = new_cluster(&exact_sets[1]);
    elect_often(&cluster, 1000);
    cluster.candidates[0].weight = 300;
    forget_what_they_got(&cluster);
    for (uint64_t rounds = 1; rounds <= 1000; rounds++) {
        elect_often(&cluster, 4);
        MUST(cluster.counters->got[0] == 3 * rounds && cluster.counters->got[1] == rounds);
    }
}
END_TEST

/* A pass may then lie one old stride, r = new weight / old weight elections, above the clock: d
 * lies between -r and 1. */
START_TEST(weight_changed_at_any_time_shifts_a_share_by_one_old_stride_at_most)
{
    static const uint32_t new_weights[] = { 200, 300, 500 };
    for (size_t before = 0; before < 50; before++) {
        cluster_t cluster = new_cluster(FIVE_THREE_TWO);
        double r[3], sum_of_r = 0;
        elect_often(&cluster, before);
        forget_what_they_got(&cluster);
        for (size_t i = 0; i < 3; i++) {
            r[i] = (double)new_weights[i] / cluster.candidates[i].weight;
            sum_of_r += r[i];
            cluster.candidates[i].weight = new_weights[i];
        }
        for (int n = 1; n <= 1000; n++) {
            elect(&cluster);
            for (size_t i = 0; i < 3; i++) {
                const double p = new_weights[i] / 1000.0, above = too_many(&cluster, i);
                MUST(above <= 1 - p + (sum_of_r - r[i]) * p + 1e-6);
                MUST(above >= -r[i] * (1 - p) - 2 * p - 1e-6);
            }
        }
    }
}
END_TEST

/* ---- Session routes -------------------------------------------------------------------------- */

START_TEST(routed_requests_are_balanced_by_fewer_elections)
{
    cluster_t cluster = new_cluster(&exact_sets[2]);
    for (int n = 0; n < 1000; n++) {
        charge(&cluster, 0);
    }
    elect_often(&cluster, 2000);
    ck_assert_uint_eq(cluster.counters->got[0], 1000);
    ck_assert_uint_eq(cluster.counters->got[1], 1000);
    ck_assert_uint_eq(cluster.counters->got[2], 1000);
    elect_often(&cluster, 300);
    ck_assert_uint_eq(cluster.counters->got[0], 1100);
}
END_TEST

START_TEST(routed_requests_count_by_weight)
{
    cluster_t cluster = new_cluster(FIVE_THREE_TWO);
    for (int n = 0; n < 200; n++) {
        charge(&cluster, 2);
    }
    elect_often(&cluster, 800);
    ck_assert_uint_eq(cluster.counters->got[0], 500);
    ck_assert_uint_eq(cluster.counters->got[1], 300);
    ck_assert_uint_eq(cluster.counters->got[2], 200);
}
END_TEST

START_TEST(routed_and_elected_requests_in_turn_add_up_to_the_shares)
{
    cluster_t cluster = new_cluster(FIVE_THREE_TWO);
    for (int n = 1; n <= 10000; n++) {
        elect(&cluster);
        if (n % 4 == 0) {
            charge(&cluster, 1);    /* 1 of 5: less than the share of 3 of 10 */
        }
    }
    ck_assert(shares_are_right_from_a_mixed_start(&cluster));
}
END_TEST

START_TEST(charge_of_a_member_that_was_away_starts_at_the_clock)
{
    cluster_t cluster = new_cluster(&exact_sets[1]);
    cluster.count = 1;
    elect_often(&cluster, 1000);
    const uint64_t clock = cluster.counters->clock;
    ck_assert_uint_eq(clock, 999 * (uint64_t)LB_STRIDE);
    cluster.count = 2;
    charge(&cluster, 1);
    ck_assert_uint_eq(cluster.counters->pass[1], clock + LB_STRIDE);
    ck_assert_uint_eq(cluster.counters->clock, clock + LB_STRIDE);    /* the smallest pass */
}
END_TEST

/* ---- What a member is owed ------------------------------------------------------------------- */

static int credit(const cluster_t *cluster, size_t member)
{
    return lb_election_credit(&cluster->counters->clock, &cluster->candidates[member]);
}

START_TEST(credit_starts_at_zero_and_falls_with_each_request)
{
    cluster_t cluster = new_cluster(FIVE_THREE_TWO);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(credit(&cluster, i), 0);
    }
    ck_assert_uint_eq(elect(&cluster), 0);
    ck_assert_int_eq(credit(&cluster, 0), -100);
    ck_assert_int_eq(credit(&cluster, 1), 0);
    charge(&cluster, 1);
    charge(&cluster, 1);
    ck_assert_int_eq(credit(&cluster, 1), -200);
}
END_TEST

START_TEST(member_behind_the_clock_has_its_turn)
{
    cluster_t cluster = new_cluster(&exact_sets[5]);    /* 3:1 */
    cluster.count = 1;
    elect_often(&cluster, 10);
    ck_assert_int_eq(credit(&cluster, 0), -100);
    ck_assert_int_eq(credit(&cluster, 1), 0);
}
END_TEST

START_TEST(credit_is_bounded)
{
    cluster_t cluster = new_cluster(&exact_sets[1]);
    cluster.counters->pass[0] = (uint64_t)LB_STRIDE * 3;
    ck_assert_int_eq(credit(&cluster, 0), -300);
    cluster.counters->pass[0] = UINT64_MAX;
    ck_assert_int_eq(credit(&cluster, 0), -INT_MAX);
}
END_TEST

START_TEST(member_that_comes_back_among_routed_requests_is_not_flooded)
{
    cluster_t cluster = new_cluster(&exact_sets[2]);
    cluster.count = 2;    /* the third is away, and all requests have routes */
    for (int i = 0; i < 1000; i++) {
        charge(&cluster, 0);
        charge(&cluster, 1);
    }
    cluster.count = 3;
    forget_what_they_got(&cluster);
    elect_often(&cluster, 900);
    ck_assert_uint_eq(cluster.counters->got[2], 300);
}
END_TEST

START_TEST(routed_requests_of_one_member_are_made_good_in_full)
{
    cluster_t cluster = new_cluster(&exact_sets[2]);
    for (int i = 0; i < 100; i++) {
        charge(&cluster, 0);
    }
    elect_often(&cluster, 200);
    ck_assert_uint_eq(cluster.counters->got[0], 100);
    ck_assert_uint_eq(cluster.counters->got[1], 100);
    ck_assert_uint_eq(cluster.counters->got[2], 100);
}
END_TEST

/* ---- Many threads ---------------------------------------------------------------------------- */

typedef struct {
    cluster_t *cluster;
    size_t elections;
    bool charges_the_first;
} caller_t;

static void wait_for(_Atomic uint32_t *flag)
{
    while (!atomic_load(flag)) {
        sched_yield();    /* Check's time limit ends this */
    }
}

static void *call(void *data)
{
    const caller_t *caller = data;
    wait_for(&caller->cluster->counters->may_start);
    for (size_t n = 0; n < caller->elections; n++) {
        if (caller->charges_the_first) {
            charge(caller->cluster, 0);
        }
        else {
            elect(caller->cluster);
        }
    }
    return NULL;
}

static void run_threads(caller_t *callers)
{
    pthread_t threads[CALLERS];
    for (int i = 0; i < CALLERS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, call, &callers[i]), 0);
    }
    atomic_store(&callers->cluster->counters->may_start, 1);
    for (int i = 0; i < CALLERS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
}

/* No charge was lost or counted twice: the passes say the same as the callers. */
static void assert_passes_agree(const cluster_t *cluster)
{
    for (size_t i = 0; i < cluster->count; i++) {
        ck_assert_uint_eq(cluster->counters->pass[i],
                          cluster->counters->got[i] * stride(cluster->candidates[i].weight));
    }
}

START_TEST(eight_threads_get_the_shares_of_one_caller)
{
    const weights_t *set = _i ? MIXED : FIVE_THREE_TWO;
    cluster_t cluster = cluster_over(shared_counters(), set);
    caller_t callers[CALLERS];
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (caller_t){ &cluster, ELECTIONS_EACH, false };
    }
    run_threads(callers);
    ck_assert_uint_eq(sum(&cluster), CALLERS * ELECTIONS_EACH);
    assert_passes_agree(&cluster);
    ck_assert(shares_are_right(&cluster));
    ck_assert(shares_are_as_of_one_caller(&cluster, set));
}
END_TEST

START_TEST(threads_that_charge_and_threads_that_elect_lose_nothing)
{
    cluster_t cluster = cluster_over(shared_counters(), &exact_sets[2]);
    caller_t callers[CALLERS];
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (caller_t){ &cluster, i < 2 ? ELECTIONS_EACH : 50000, i < 2 };
    }
    run_threads(callers);
    ck_assert_uint_eq(sum(&cluster), 500000);
    assert_passes_agree(&cluster);
    elect_often(&cluster, 400000);    /* now the charges are made good, whenever they came */
    ck_assert_uint_eq(cluster.counters->got[0], 300000);
    ck_assert_uint_eq(cluster.counters->got[1], 300000);
    ck_assert_uint_eq(cluster.counters->got[2], 300000);
}
END_TEST

/* ---- Many processes -------------------------------------------------------------------------- */

/* Elects, at least so often and until it may stop. */
static pid_t start_process(cluster_t *cluster, size_t elections)
{
    const pid_t pid = start_child();
    if (pid > 0) {
        return pid;
    }
    wait_for(&cluster->counters->may_start);
    elect_often(cluster, elections);
    while (!atomic_load(&cluster->counters->may_stop)) {
        elect(cluster);
    }
    _exit(0);
}

static pid_t start_victim(cluster_t *cluster)
{
    const pid_t pid = start_child();
    if (pid > 0) {
        return pid;
    }
    for (;;) {
        elect(cluster);
        atomic_fetch_add(&cluster->counters->victim_got, 1);
    }
}

static void wait_for_more(_Atomic uint64_t *progress, uint64_t more)
{
    const uint64_t enough = atomic_load(progress) + more;
    while (atomic_load(progress) < enough) {
        sched_yield();
    }
}

START_TEST(eight_processes_get_the_shares_of_one_caller)
{
    const weights_t *set = _i ? MIXED : FIVE_THREE_TWO;
    cluster_t cluster = cluster_over(shared_counters(), set);
    pid_t pids[CALLERS];
    for (int i = 0; i < CALLERS; i++) {
        pids[i] = start_process(&cluster, ELECTIONS_EACH);
    }
    atomic_store(&cluster.counters->may_stop, 1);    /* no more than that */
    atomic_store(&cluster.counters->may_start, 1);
    for (int i = 0; i < CALLERS; i++) {
        assert_ends_well(pids[i]);
    }
    ck_assert_uint_eq(sum(&cluster), CALLERS * ELECTIONS_EACH);
    assert_passes_agree(&cluster);
    ck_assert(shares_are_right(&cluster));
    ck_assert(shares_are_as_of_one_caller(&cluster, set));
}
END_TEST

/* A killed process may have charged a member for an election that it never counted. */
static void count_by_passes(cluster_t *cluster)
{
    for (size_t i = 0; i < cluster->count; i++) {
        const uint64_t each = stride(cluster->candidates[i].weight);
        ck_assert_uint_eq(cluster->counters->pass[i] % each, 0);
        cluster->counters->got[i] = cluster->counters->pass[i] / each;
    }
}

START_TEST(killed_processes_leave_the_others_and_the_shares_as_they_were)
{
    enum { KILLS = 20 };
    cluster_t cluster = cluster_over(shared_counters(), MIXED);
    pid_t pids[CALLERS - 1];
    for (int i = 0; i < CALLERS - 1; i++) {
        pids[i] = start_process(&cluster, 10000);
    }
    atomic_store(&cluster.counters->may_start, 1);
    for (int i = 0; i < KILLS; i++) {
        const pid_t victim = start_victim(&cluster);
        wait_for_more(&cluster.counters->victim_got, (uint64_t)(i * 37));
        assert_is_killed(victim);
        wait_for_more(&cluster.counters->got[0], 1000);    /* the others go on */
    }
    atomic_store(&cluster.counters->may_stop, 1);
    for (int i = 0; i < CALLERS - 1; i++) {
        assert_ends_well(pids[i]);
    }
    const uint64_t counted = sum(&cluster);
    count_by_passes(&cluster);
    ck_assert_uint_ge(sum(&cluster), counted);
    ck_assert_uint_le(sum(&cluster), counted + KILLS);
    ck_assert(shares_are_right(&cluster));
    ck_assert(shares_are_as_of_one_caller(&cluster, MIXED));
}
END_TEST

static TCase *one_caller(void)
{
    TCase *tc = tcase_create("one caller");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, nobody_is_elected_from_none);
    tcase_add_test(tc, one_member_gets_all);
    tcase_add_loop_test(tc, shares_are_right_after_every_election, 0, EXACT_SETS);
    tcase_add_loop_test(tc, shares_are_exact_after_every_full_round, 0, EXACT_SETS);
    tcase_add_test(tc, all_pairs_of_whole_weights_to_16_come_round);
    tcase_add_loop_test(tc, rounded_strides_move_a_share_by_less_than_one_in_28000, 0,
                        ROUNDED_SETS);
    tcase_add_test(tc, hundred_to_one_is_exact_in_each_of_the_first_rounds);
    tcase_add_test(tc, five_three_two_goes_in_this_order);
    tcase_add_test(tc, five_three_two_takes_nobody_three_times_in_a_row);
    tcase_add_test(tc, ties_go_to_the_lower_index);
    tcase_add_test(tc, order_of_candidates_decides_ties_and_not_the_order_of_counters);
    tcase_add_test(tc, clock_is_the_pass_of_the_last_winner_and_never_falls);
    tcase_add_loop_test(tc, member_that_comes_back_gets_its_share_and_no_flood, 1, EXACT_SETS);
    tcase_add_test(tc, new_member_starts_at_the_clock);
    tcase_add_test(tc, the_others_share_what_a_lost_member_had);
    tcase_add_test(tc, weight_changed_after_a_round_is_exact_from_then_on);
    tcase_add_test(tc, weight_changed_at_any_time_shifts_a_share_by_one_old_stride_at_most);
    tcase_add_test(tc, routed_requests_are_balanced_by_fewer_elections);
    tcase_add_test(tc, routed_requests_count_by_weight);
    tcase_add_test(tc, routed_and_elected_requests_in_turn_add_up_to_the_shares);
    tcase_add_test(tc, charge_of_a_member_that_was_away_starts_at_the_clock);
    tcase_add_test(tc, credit_starts_at_zero_and_falls_with_each_request);
    tcase_add_test(tc, member_behind_the_clock_has_its_turn);
    tcase_add_test(tc, credit_is_bounded);
    tcase_add_test(tc, member_that_comes_back_among_routed_requests_is_not_flooded);
    tcase_add_test(tc, routed_requests_of_one_member_are_made_good_in_full);
    return tc;
}

static TCase *threads(void)
{
    TCase *tc = tcase_create("threads");
    tcase_set_timeout(tc, 100);    /* seconds; far less without a sanitizer */
    tcase_add_loop_test(tc, eight_threads_get_the_shares_of_one_caller, 0, 2);
    tcase_add_test(tc, threads_that_charge_and_threads_that_elect_lose_nothing);
    return tc;
}

static TCase *processes(void)
{
    TCase *tc = tcase_create("processes");
    tcase_set_timeout(tc, 100);
    tcase_add_loop_test(tc, eight_processes_get_the_shares_of_one_caller, 0, 2);
    tcase_add_test(tc, killed_processes_leave_the_others_and_the_shares_as_they_were);
    return tc;
}

int main(void)
{
    Suite *suite = suite_create("election");
    suite_add_tcase(suite, one_caller());
    suite_add_tcase(suite, threads());
    suite_add_tcase(suite, processes());
    return run_suite(suite);
}
