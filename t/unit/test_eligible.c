/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_eligible.c - who takes part: sets, spares, standbys; and against a naive reading of the
 * stock manual's words.
 * A cluster is written as text, one word for each member: its set, then
 *     -  not usable    N  draining    R  spare    H  standby */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eligible.h"

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
        m->is_usable = true;
        for (; *flag && *flag != ' '; flag++) {
            switch (*flag) {
            case '-': m->is_usable = false; break;
            case 'N': m->is_draining = true; break;
            case 'R': m->is_spare = true; break;
            case 'H': m->is_standby = true; break;
            default: ck_abort_msg("no such flag: %s", flag);
            }
        }
        text = flag + strspn(flag, " ");
    }
    return cluster;
}

/* Asserts the indices that are chosen, as "0 2 3"; none is "". */
static void assert_chosen(const char *cluster_text, const char *expected)
{
    const cluster_t cluster = read_cluster(cluster_text);
    size_t *chosen = malloc((cluster.count ? cluster.count : 1) * sizeof(size_t));
    const size_t n = lb_eligible(cluster.members, cluster.count, chosen);
    char got[100] = "";
    for (size_t i = 0, bytes = 0; i < n; i++) {
        bytes += (size_t)snprintf(got + bytes, sizeof(got) - bytes, i ? " %zu" : "%zu", chosen[i]);
    }
    free(chosen);    /* just so big: a sanitizer sees one written too many */
    if (strcmp(got, expected) != 0) {
        ck_abort_msg("from \"%s\" came \"%s\", not \"%s\"", cluster_text, got, expected);
    }
}

/* ---- By hand --------------------------------------------------------------------------------- */

START_TEST(no_members_give_nobody)
{
    ck_assert_uint_eq(lb_eligible(NULL, 0, NULL), 0);
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
    assert_chosen("0R 0 0-", "1 0");    /* ordinary members first */
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
    return m->is_usable && !m->is_draining;
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
            .is_usable = dice(seed, 8) >= trouble,
            .is_draining = dice(seed, 6) == 0,
            .is_spare = dice(seed, 4) == 0,
            .is_standby = dice(seed, 4) == 0,
        };
    }
    return cluster;
}

/* Ordinary members, then spares, then standbys, each in ascending order. */
static bool is_in_order(const cluster_t *c, size_t earlier, size_t later)
{
    const lb_standing_t *a = &c->members[earlier], *b = &c->members[later];
    const bool a_is_ordinary = !a->is_spare && !a->is_standby;
    const bool b_is_ordinary = !b->is_spare && !b->is_standby;
    return a_is_ordinary == b_is_ordinary ? earlier < later : a_is_ordinary;
}

static bool is_same_choice(const cluster_t *c, const size_t *chosen, size_t n)
{
    const naive_choice_t naive = naive_choice(c);
    if (n != naive.count) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (chosen[i] >= c->count || !naive.is_chosen[chosen[i]]
            || (i > 0 && !is_in_order(c, chosen[i - 1], chosen[i]))) {
            return false;
        }
    }
    return true;
}

START_TEST(random_clusters_are_read_as_the_manual_says)
{
    unsigned seed = 20240229, kinds[3] = { 0 };
    for (int i = 0; i < 200000; i++) {
        const cluster_t cluster = random_cluster(&seed);
        size_t chosen[MAX_MEMBERS];
        const size_t n = lb_eligible(cluster.members, cluster.count, chosen);
        if (!is_same_choice(&cluster, chosen, n)) {
            ck_abort_msg("random cluster %d", i);
        }
        for (size_t k = 0; k < n; k++) {
            const lb_standing_t *m = &cluster.members[chosen[k]];
            kinds[m->is_spare ? 1 : m->is_standby ? 2 : 0]++;
        }
    }
    for (int i = 0; i < 3; i++) {    /* the dice did throw all kinds */
        ck_assert_uint_gt(kinds[i], 1000);
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
    tcase_add_test(tc, random_clusters_are_read_as_the_manual_says);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
