/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_eligible.c - who is asked first: sets, spares, standbys; and against a naive reading of the
 * stock manual's words. And who is asked next, down to those in error.
 * A cluster is written as text, one word for each member: its set, then
 *     -  never ready    E  at last (in error)    B  late (busy)    N  draining    R  spare
 *     H  standby */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eligible.h"
#include "run_suite.h"

#define MAX_MEMBERS 16

typedef struct {
    lb_standing_t members[MAX_MEMBERS];
    size_t count;
} cluster_t;

static cluster_t read_cluster(const char *text)
{
    cluster_t cluster = { .count = 0 };
    while (*text) {
        lb_standing_t *m = &cluster.members[cluster.count++];
        char *flag;
        ck_assert_uint_le(cluster.count, MAX_MEMBERS);
        m->lbset = (int)strtol(text, &flag, 10);
        m->readiness = LB_READY;
        for (; *flag && *flag != ' '; flag++) {
            switch (*flag) {
            case '-': m->readiness = LB_READY_NEVER; break;
            case 'E': m->readiness = LB_READY_AT_LAST; break;
            case 'B': m->readiness = LB_READY_LATE; break;
            case 'N': m->is_draining = true; break;
            case 'R': m->is_spare = true; break;
            case 'H': m->is_standby = true; break;
            default:  ck_abort_msg("no such flag: %s", flag);
            }
        }
        text = flag + strspn(flag, " ");
    }
    return cluster;
}

static lb_order_t order_of(const cluster_t *cluster, bool overflows, unsigned *turn)
{
    /* just so big: a sanitizer sees one written too many */
    unsigned *exact = malloc((cluster->count ? cluster->count : 1) * sizeof(*exact));
    const lb_order_t order = lb_eligible(cluster->members, cluster->count, overflows, exact);
    memcpy(turn, exact, cluster->count * sizeof(*exact));
    free(exact);
    return order;
}

static void assert_text(const char *cluster_text, const char *got, const char *expected)
{
    if (strcmp(got, expected) != 0) {
        ck_abort_msg("from \"%s\" came \"%s\", not \"%s\"", cluster_text, got, expected);
    }
}

/* Asserts the indices that are asked first, as "0 2 3"; none is "". */
static void assert_chosen(const char *cluster_text, const char *expected)
{
    const cluster_t cluster = read_cluster(cluster_text);
    unsigned turn[MAX_MEMBERS];
    char got[100] = "";
    order_of(&cluster, false, turn);
    for (size_t i = 0, bytes = 0; i < cluster.count; i++) {
        if (turn[i] == 0) {
            bytes += (size_t)snprintf(got + bytes, sizeof(got) - bytes, bytes ? " %zu" : "%zu", i);
        }
    }
    assert_text(cluster_text, got, expected);
}

/* Asserts the turn of each member, as "0 - 1": '-' for none; a '|' and how many are open follow. */
static void assert_turns(const char *cluster_text, bool overflows, const char *expected)
{
    const cluster_t cluster = read_cluster(cluster_text);
    unsigned turn[MAX_MEMBERS];
    char got[100] = "";
    size_t bytes = 0;
    const lb_order_t order = order_of(&cluster, overflows, turn);
    for (size_t i = 0; i < cluster.count; i++) {
        bytes += (size_t)snprintf(got + bytes, sizeof(got) - bytes,
                                  turn[i] == LB_NO_TURN ? "- " : "%u ", turn[i]);
    }
    snprintf(got + bytes, sizeof(got) - bytes, "| %u", order.open);
    assert_text(cluster_text, got, expected);
}

/* ---- By hand --------------------------------------------------------------------------------- */

START_TEST(no_members_give_nobody)
{
    ck_assert_uint_eq(lb_eligible(NULL, 0, false, NULL).turns, 0);
    ck_assert_uint_eq(lb_eligible(NULL, 0, true, NULL).open, 0);
}
END_TEST

START_TEST(all_usable_members_take_part_in_their_order)
{
    assert_chosen("0", "0");
    assert_chosen("0 0 0", "0 1 2");
}
END_TEST

START_TEST(unusable_members_do_not_take_part)
{
    assert_chosen("0 0- 0", "0 2");
    assert_chosen("0-", "");
    assert_chosen("0- 0- 0-", "");
}
END_TEST

START_TEST(draining_members_do_not_take_part)
{
    assert_chosen("0N 0", "1");
    assert_chosen("0N", "");
    assert_chosen("0-N 0N", "");
}
END_TEST

START_TEST(only_the_lowest_set_with_anybody_takes_part)
{
    assert_chosen("1 0 1 0", "1 3");
    assert_chosen("1 0- 1 0N", "0 2");
    assert_chosen("0- 1- 2", "2");
    assert_chosen("0- 1- 2-", "");
}
END_TEST

START_TEST(sets_may_have_gaps_and_come_in_any_order)
{
    assert_chosen("99 7 42", "1");
    assert_chosen("99 7- 42", "2");
    assert_chosen("99 7- 42-", "0");
    assert_chosen("5 5 5", "0 1 2");
}
END_TEST

START_TEST(spares_wait_while_all_ordinary_members_are_usable)
{
    assert_chosen("0 0 0R", "0 1");
    assert_chosen("0R 0", "1");
}
END_TEST

START_TEST(each_unusable_member_brings_in_one_spare)
{
    assert_chosen("0 0- 0R 0R", "0 2");
    assert_chosen("0- 0- 0R 0R", "2 3");
    assert_chosen("0- 0- 0- 0R 0R", "3 4");
    assert_chosen("0- 0R 0R 0R", "1");
}
END_TEST

START_TEST(each_draining_member_brings_in_one_spare)
{
    assert_chosen("0 0N 0R 0R", "0 2");
    assert_chosen("0N 0- 0R 0R 0R", "2 3");
}
END_TEST

START_TEST(member_unusable_and_draining_brings_in_only_one_spare)
{
    assert_chosen("0-N 0R 0R", "1");
}
END_TEST

START_TEST(spare_before_the_member_that_it_replaces_is_found)
{
    assert_chosen("0R 0R 0-", "0");
    assert_chosen("0R 0 0-", "0 1");
}
END_TEST

START_TEST(spare_that_cannot_serve_is_passed_over)
{
    assert_chosen("0- 0R- 0R", "2");
    assert_chosen("0- 0RN 0R", "2");
    assert_chosen("0- 0R-", "");
}
END_TEST

START_TEST(spare_that_cannot_serve_is_not_itself_replaced)
{
    assert_chosen("0 0R- 0R", "0");
}
END_TEST

START_TEST(spares_do_not_serve_when_there_is_nobody_to_replace)
{
    assert_chosen("0R", "");
    assert_chosen("0R 1", "1");
}
END_TEST

START_TEST(spares_replace_only_members_of_their_own_set)
{
    assert_chosen("0- 1R 1", "2");
    assert_chosen("0- 1- 1R", "2");
    assert_chosen("0- 0 1R", "1");
}
END_TEST

START_TEST(spares_keep_a_set_alive_before_the_next_is_taken)
{
    assert_chosen("0- 0R 1", "1");
}
END_TEST

START_TEST(standbys_take_part_only_when_nobody_else_of_the_set_can)
{
    assert_chosen("0 0H", "0");
    assert_chosen("0- 0H", "1");
    assert_chosen("0N 0H 0H", "1 2");
    assert_chosen("0- 0 0H", "1");
    assert_chosen("0H", "0");
}
END_TEST

START_TEST(spares_go_before_standbys)
{
    assert_chosen("0- 0H 0R", "2");
    assert_chosen("0- 0H 0R-", "1");
}
END_TEST

START_TEST(standby_that_cannot_serve_does_not)
{
    assert_chosen("0- 0H- 0H", "2");
    assert_chosen("0- 0HN", "");
}
END_TEST

START_TEST(standby_that_cannot_serve_brings_in_no_spare)
{
    assert_chosen("0 0H- 0R", "0");
    assert_chosen("0H- 0R", "");
}
END_TEST

START_TEST(standbys_of_a_set_go_before_the_next_set)
{
    assert_chosen("0- 0H 1", "1");
    assert_chosen("0- 0H- 1 1H", "2");
}
END_TEST

START_TEST(spare_that_is_a_standby_too_is_a_spare)
{
    assert_chosen("0 0RH", "0");
    assert_chosen("0- 0RH", "1");
    assert_chosen("0RH", "");
    assert_chosen("0- 0RH- 0H", "2");
    assert_chosen("0H 0RH", "0");
}
END_TEST

/* ---- Who is asked next ----------------------------------------------------------------------- */

START_TEST(spares_standbys_and_sets_are_next_in_this_order)
{
    assert_turns("0 0R 0H 1", true, "0 1 2 3 | 4");
    assert_turns("1H 1 0H 0R 0 0", true, "4 3 2 1 0 0 | 5");
    assert_turns("0- 0R 0R 0H", true, "- 0 1 2 | 3");
    assert_turns("0N 0H 0H 1", true, "- 0 0 1 | 2");
}
END_TEST

START_TEST(without_overflow_only_the_first_turn_is_open)
{
    assert_turns("0 0R 0H 1", false, "0 1 2 3 | 1");
    assert_turns("0E 0R 1B", false, "2 0 1 | 1");
}
END_TEST

START_TEST(those_who_are_less_ready_come_later_and_are_not_open)
{
    assert_turns("0 0B 0E", true, "0 1 2 | 1");
    assert_turns("0E 0B 1", true, "2 1 0 | 1");
    assert_turns("0B 0E", true, "0 1 | 1");
    assert_turns("0E 0- 0EN 0EH", true, "0 - - 1 | 2");
    assert_turns("0E 0R 1", true, "2 0 1 | 2");
    assert_turns("0N 0E", true, "- 0 | 1");
}
END_TEST

START_TEST(spares_with_nobody_to_replace_serve_when_all_others_cannot)
{
    assert_turns("0R 1", true, "1 0 | 2");
    assert_turns("0R", true, "0 | 1");
    assert_turns("0R", false, "- | 0");
    assert_turns("0RE 0RH", true, "1 0 | 1");
}
END_TEST

/* ---- Against the manual ---------------------------------------------------------------------- */

/* mod_proxy, "ProxyPass", Parameters:
 *   lbset   "The load balancer will try all members of a lower numbered lbset before trying higher
 *            numbered ones."
 *   N       "will only accept existing sticky sessions destined for itself"
 *   R       "For each worker in a given lbset that is unusable (draining, stopped, in error, etc.),
 *            a usable hot spare with the same lbset will be used in its place."
 *   H       "will only be used if no other viable workers or spares are available in the balancer
 *            set." */

typedef struct {
    bool is_chosen[MAX_MEMBERS];
    size_t count;
} naive_choice_t;

static void choose(naive_choice_t *choice, size_t member)
{
    choice->is_chosen[member] = true;
    choice->count++;
}

static bool is_viable(const lb_standing_t *m)
{
    return m->readiness == LB_READY && !m->is_draining;
}

static void put_a_spare_in_its_place(const cluster_t *c, int lbset, naive_choice_t *choice)
{
    for (size_t i = 0; i < c->count; i++) {
        const lb_standing_t *m = &c->members[i];
        if (m->lbset == lbset && m->is_spare && is_viable(m) && !choice->is_chosen[i]) {
            choose(choice, i);
            return;
        }
    }
}

static naive_choice_t naive_choice_of_set(const cluster_t *c, int lbset)
{
    naive_choice_t choice = { .count = 0 };
    for (size_t i = 0; i < c->count; i++) {
        const lb_standing_t *m = &c->members[i];
        if (m->lbset != lbset || m->is_spare || m->is_standby) {
            continue;
        }
        if (is_viable(m)) {
            choose(&choice, i);
        }
        else {
            put_a_spare_in_its_place(c, lbset, &choice);
        }
    }
    const bool anybody_is_there = choice.count > 0;
    for (size_t i = 0; i < c->count && !anybody_is_there; i++) {
        const lb_standing_t *m = &c->members[i];
        if (m->lbset == lbset && m->is_standby && !m->is_spare && is_viable(m)) {
            choose(&choice, i);
        }
    }
    return choice;
}

static naive_choice_t naive_choice(const cluster_t *c)
{
    naive_choice_t choice = { .count = 0 };
    for (int lbset = 0; lbset <= 99 && choice.count == 0; lbset++) {
        choice = naive_choice_of_set(c, lbset);
    }
    return choice;
}

/* The same numbers in each run (xorshift32). */
static unsigned dice(unsigned *seed, unsigned sides)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed % sides;
}

static cluster_t random_cluster(unsigned *seed)
{
    static const int sets[] = { 0, 1, 7, 99 };
    cluster_t cluster = { .count = dice(seed, MAX_MEMBERS + 1) };
    const unsigned set_count = 1 + dice(seed, 4), trouble = 1 + dice(seed, 8);
    for (size_t i = 0; i < cluster.count; i++) {
        cluster.members[i] = (lb_standing_t){
            .lbset = sets[dice(seed, set_count)],
            .readiness = dice(seed, 8) >= trouble ? LB_READY : LB_READY_NEVER,
            .is_draining = dice(seed, 6) == 0,
            .is_spare = dice(seed, 4) == 0,
            .is_standby = dice(seed, 4) == 0,
        };
    }
    return cluster;
}

START_TEST(random_clusters_are_read_as_the_manual_says)
{
    unsigned seed = 20240229, kinds[3] = { 0 };
    for (int i = 0; i < 200000; i++) {
        const cluster_t cluster = random_cluster(&seed);
        const naive_choice_t naive = naive_choice(&cluster);
        unsigned turn[MAX_MEMBERS];
        order_of(&cluster, false, turn);
        for (size_t k = 0; k < cluster.count; k++) {
            const lb_standing_t *m = &cluster.members[k];
            if ((turn[k] == 0) != naive.is_chosen[k]) {
                ck_abort_msg("random cluster %d", i);
            }
            kinds[m->is_spare     ? 1
                  : m->is_standby ? 2
                                  : 0] += turn[k] == 0;
        }
    }
    for (int i = 0; i < 3; i++) {    /* the dice did throw all kinds */
        ck_assert_uint_gt(kinds[i], 1000);
    }
}
END_TEST

/* Every member that can serve has its turn, and nobody waits for one who is less ready. */
static bool is_sound(const cluster_t *c, const lb_order_t *order, const unsigned *turn)
{
    size_t in_turn[MAX_MEMBERS] = { 0 };
    for (size_t i = 0; i < c->count; i++) {
        const lb_standing_t *m = &c->members[i];
        const bool can_serve = m->readiness > LB_READY_NEVER && !m->is_draining;
        if (can_serve != (turn[i] != LB_NO_TURN) || (can_serve && turn[i] >= order->turns)) {
            return false;
        }
        if (!can_serve) {
            continue;
        }
        in_turn[turn[i]]++;
        if ((turn[i] < order->open) != (m->readiness == order->readiness)) {
            return false;
        }
        for (size_t k = 0; k < c->count; k++) {
            if (turn[k] != LB_NO_TURN && turn[k] < turn[i]
                && c->members[k].readiness < m->readiness) {
                return false;
            }
        }
    }
    for (unsigned t = 0; t < order->turns; t++) {
        if (in_turn[t] == 0) {
            return false;
        }
    }
    return true;
}

START_TEST(in_random_clusters_everybody_who_can_serve_has_a_turn)
{
    unsigned seed = 20240301;
    for (int i = 0; i < 200000; i++) {
        cluster_t cluster = random_cluster(&seed);
        unsigned turn[MAX_MEMBERS];
        for (size_t k = 0; k < cluster.count; k++) {
            cluster.members[k].readiness = (lb_readiness_t)dice(&seed, LB_READY + 1);
        }
        const lb_order_t order = order_of(&cluster, true, turn);
        if (!is_sound(&cluster, &order, turn)) {
            ck_abort_msg("random cluster %d", i);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("eligible");
    TCase *tc = tcase_create("eligible");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, no_members_give_nobody);
    tcase_add_test(tc, all_usable_members_take_part_in_their_order);
    tcase_add_test(tc, unusable_members_do_not_take_part);
    tcase_add_test(tc, draining_members_do_not_take_part);
    tcase_add_test(tc, only_the_lowest_set_with_anybody_takes_part);
    tcase_add_test(tc, sets_may_have_gaps_and_come_in_any_order);
    tcase_add_test(tc, spares_wait_while_all_ordinary_members_are_usable);
    tcase_add_test(tc, each_unusable_member_brings_in_one_spare);
    tcase_add_test(tc, each_draining_member_brings_in_one_spare);
    tcase_add_test(tc, member_unusable_and_draining_brings_in_only_one_spare);
    tcase_add_test(tc, spare_before_the_member_that_it_replaces_is_found);
    tcase_add_test(tc, spare_that_cannot_serve_is_passed_over);
    tcase_add_test(tc, spare_that_cannot_serve_is_not_itself_replaced);
    tcase_add_test(tc, spares_do_not_serve_when_there_is_nobody_to_replace);
    tcase_add_test(tc, spares_replace_only_members_of_their_own_set);
    tcase_add_test(tc, spares_keep_a_set_alive_before_the_next_is_taken);
    tcase_add_test(tc, standbys_take_part_only_when_nobody_else_of_the_set_can);
    tcase_add_test(tc, spares_go_before_standbys);
    tcase_add_test(tc, standby_that_cannot_serve_does_not);
    tcase_add_test(tc, standby_that_cannot_serve_brings_in_no_spare);
    tcase_add_test(tc, standbys_of_a_set_go_before_the_next_set);
    tcase_add_test(tc, spare_that_is_a_standby_too_is_a_spare);
    tcase_add_test(tc, spares_standbys_and_sets_are_next_in_this_order);
    tcase_add_test(tc, without_overflow_only_the_first_turn_is_open);
    tcase_add_test(tc, those_who_are_less_ready_come_later_and_are_not_open);
    tcase_add_test(tc, spares_with_nobody_to_replace_serve_when_all_others_cannot);
    tcase_add_test(tc, random_clusters_are_read_as_the_manual_says);
    tcase_add_test(tc, in_random_clusters_everybody_who_can_serve_has_a_turn);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
