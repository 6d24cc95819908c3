/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_fleet_intent.c - fronts that have heard of the same wishes agree, in whatever order. */
#include "fleet_intent.h"

#include <string.h>

#include "run_suite.h"

enum { ROOM = 64 };

typedef struct {
    lb_intents_t all;
    lb_intent_t entries[ROOM];
} map_t;

static void clear(map_t *map)
{
    map->all = (lb_intents_t){ .entries = map->entries, .room = ROOM };
}

static lb_intent_t wish(const char *member, const char *setting, const char *value,
                        uint64_t counter, const char *front)
{
    return (lb_intent_t){ .balancer = "shop",
                          .vhost = "",
                          .member = member,
                          .setting = setting,
                          .value = value,
                          .by = "bob",
                          .stamp = { counter, front } };
}

static void merge(map_t *into, const map_t *from)
{
    lb_fleet_intent_see(&into->all, from->all.counter);
    for (size_t i = 0; i < from->all.count; i++) {
        lb_fleet_intent_put(&into->all, &from->entries[i]);
    }
}

static bool is_same(const map_t *a, const map_t *b)
{
    bool is = a->all.count == b->all.count && a->all.counter == b->all.counter;

    for (size_t i = 0; is && i < a->all.count; i++) {
        const lb_intent_t *one = &a->entries[i], *other = &b->entries[i];
        is = strcmp(one->member, other->member) == 0 && strcmp(one->setting, other->setting) == 0
             && strcmp(one->value, other->value) == 0
             && lb_fleet_intent_order(&one->stamp, &other->stamp) == 0;
    }
    return is;
}

static const char *value_of(const map_t *map, const char *member, const char *setting)
{
    const lb_intent_t key = wish(member, setting, "", 0, "");
    const lb_intent_t *found = lb_fleet_intent_find(&map->all, &key);
    return found ? found->value : "none";
}

/* Everything that may meet: two fronts at once, one front twice, a stamp that was given out twice,
 * and a member that goes and comes. */
static const lb_intent_t crowd[] = {
    { "shop", "", "m1", "weight", "2", NULL, "a", { 3, "web1" } },
    { "shop", "", "m1", "weight", "3", NULL, "b", { 3, "web2" } },
    { "shop", "", "m1", "weight", "4", NULL, "b", { 3, "web2" } },
    { "shop", "", "m1", "weight", "5", NULL, "c", { 2, "web3" } },
    { "shop", "", "m1", "member", "removed", NULL, "a", { 3, "web1" } },
    { "shop", "", "m1", "member", "added", NULL, "c", { 4, "web1" } },
    { "shop", "", "m1", "disabled", "off", NULL, "c", { 4, "web1" } },
    { "shop", "", "", "timeout", "5", NULL, "c", { 1, "web1" } },
};

static void put_in_order(map_t *map, const int *order)
{
    clear(map);
    for (int i = 0; i < COUNT(crowd); i++) {
        lb_fleet_intent_put(&map->all, &crowd[order[i]]);
    }
}

/* The next permutation; false after the last one. */
static bool permute(int *order, int count)
{
    int i = count - 1, k = count - 1;

    while (i > 0 && order[i - 1] > order[i]) {
        i--;
    }
    if (i == 0) {
        return false;
    }
    while (order[k] < order[i - 1]) {
        k--;
    }
    const int swapped = order[k];
    order[k] = order[i - 1];
    order[i - 1] = swapped;
    for (k = count - 1; i < k; i++, k--) {
        const int other = order[k];
        order[k] = order[i];
        order[i] = other;
    }
    return true;
}

START_TEST(whatever_the_order_all_fronts_agree)
{
    int order[COUNT(crowd)], wrong = 0, tried = 0;
    map_t first, other;

    for (int i = 0; i < COUNT(crowd); i++) {
        order[i] = i;
    }
    put_in_order(&first, order);
    do {
        put_in_order(&other, order);
        wrong += !is_same(&first, &other);
        merge(&other, &first);
        merge(&other, &other);
        wrong += !is_same(&first, &other);
        tried++;
    } while (permute(order, COUNT(crowd)));
    ck_assert_int_eq(tried, 40320);
    ck_assert_int_eq(wrong, 0);
    ck_assert_str_eq(value_of(&first, "m1", "member"), "added");
    ck_assert_str_eq(value_of(&first, "m1", "disabled"), "off");
    ck_assert_str_eq(value_of(&first, "m1", "weight"), "none");
    ck_assert_str_eq(value_of(&first, "", "timeout"), "5");
}
END_TEST

/* Each wish goes to one of three fronts, in all ways; then they are merged as (a b) c and a (b c). */
START_TEST(merging_is_associative_and_commutative)
{
    int ways = 1, wrong = 0;

    for (int i = 0; i < COUNT(crowd); i++) {
        ways *= 3;
    }
    for (int way = 0; way < ways; way++) {
        map_t front[3], left, right;
        for (int i = 0; i < 3; i++) {
            clear(&front[i]);
        }
        for (int i = 0, digits = way; i < COUNT(crowd); i++, digits /= 3) {
            lb_fleet_intent_put(&front[digits % 3].all, &crowd[i]);
        }
        clear(&left);
        merge(&left, &front[0]);
        merge(&left, &front[1]);
        merge(&left, &front[2]);
        merge(&front[2], &front[1]);
        clear(&right);
        merge(&right, &front[2]);
        merge(&right, &front[0]);
        wrong += !is_same(&left, &right);
    }
    ck_assert_int_eq(wrong, 0);
}
END_TEST

START_TEST(the_greater_counter_wins_then_the_greater_name)
{
    map_t map;
    clear(&map);
    lb_intent_t one = wish("m", "weight", "1", 7, "web9"),
                two = wish("m", "weight", "2", 8, "web1"),
                three = wish("m", "weight", "3", 8, "web2");

    ck_assert_ptr_nonnull(lb_fleet_intent_put(&map.all, &one));
    ck_assert_ptr_nonnull(lb_fleet_intent_put(&map.all, &two));
    ck_assert_ptr_null(lb_fleet_intent_put(&map.all, &one));
    ck_assert_ptr_nonnull(lb_fleet_intent_put(&map.all, &three));
    ck_assert_ptr_null(lb_fleet_intent_put(&map.all, &two));
    ck_assert_ptr_null(lb_fleet_intent_put(&map.all, &three));
    ck_assert_str_eq(value_of(&map, "m", "weight"), "3");
    const lb_intent_stamp_t next = lb_fleet_intent_next(&map.all, "web1");
    ck_assert_uint_eq(next.counter, 9);
}
END_TEST

START_TEST(what_a_front_knows_of_its_own_stays_when_a_wish_comes_again)
{
    map_t map;
    clear(&map);
    lb_intent_t one = wish("m", "weight", "1", 7, "web9");

    lb_fleet_intent_put(&map.all, &one)->standing = LB_INTENT_DONE;
    ck_assert_ptr_null(lb_fleet_intent_put(&map.all, &one));
    ck_assert_int_eq(lb_fleet_intent_find(&map.all, &one)->standing, LB_INTENT_DONE);
}
END_TEST

START_TEST(a_conflict_is_one_who_did_not_know_of_the_other)
{
    lb_intent_t before = wish("m", "weight", "1", 5, "web1"),
                after = wish("m", "weight", "2", 9, "web2");

    after.over = before.stamp;
    ck_assert(!lb_fleet_intent_is_conflict(&after, &before));
    after.over = (lb_intent_stamp_t){ 4, "web3" };
    ck_assert(lb_fleet_intent_is_conflict(&after, &before));
    after.over = (lb_intent_stamp_t){ 0 };
    ck_assert(lb_fleet_intent_is_conflict(&after, &before));
    ck_assert(!lb_fleet_intent_is_conflict(&after, &after));
    ck_assert(!lb_fleet_intent_is_conflict(&before, &after));
}
END_TEST

/* ---- A fleet, where most goes wrong ---------------------------------------------------------- */

enum {
    FRONTS = 10,
    STEPS = 20000,
    IN_FLIGHT = 40
};

static uint32_t seed;

static uint32_t chance(uint32_t of)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % of;
}

static const char *const fronts[FRONTS] = { "w0", "w1", "w2", "w3", "w4",
                                            "w5", "w6", "w7", "w8", "w9" };
static const char *const members[] = { "", "m1", "m2", "m3" };
static const char *const settings[] = { "draining", "limit", "member", "weight" };
static const char *const values[] = { "added", "off", "on", "removed" };

static void want_something(map_t *map, const char *front)
{
    const char *member = members[chance(4)];
    lb_intent_t one = wish(member, settings[chance(4)], values[chance(4)], 0, front);

    one.stamp = lb_fleet_intent_next(&map->all, front);
    lb_fleet_intent_put(&map->all, &one);
}

static void forget_all(map_t *map)
{
    clear(map);
}

START_TEST(ten_fronts_agree_though_documents_are_lost_repeated_and_late)
{
    static map_t front[FRONTS], sent[IN_FLIGHT];
    int wrong = 0;

    seed = (uint32_t)_i;
    for (int i = 0; i < FRONTS; i++) {
        clear(&front[i]);
    }
    for (int i = 0; i < IN_FLIGHT; i++) {
        clear(&sent[i]);
    }
    for (int step = 0; step < STEPS; step++) {
        map_t *of = &front[chance(FRONTS)];
        switch (chance(4)) {
        case 0:
            want_something(of, fronts[of - front]);
            break;
        case 1:    /* what was in this place is lost */
            clear(&sent[chance(IN_FLIGHT)]);
            merge(&sent[chance(IN_FLIGHT)], of);
            break;
        default:    /* it may come again, and after newer ones */
            merge(of, &sent[chance(IN_FLIGHT)]);
            break;
        }
        if (chance(1000) == 0) {
            forget_all(of);    /* its disk was lost, and what others have of it comes back */
            for (int i = 0; i < FRONTS; i++) {
                merge(of, &front[i]);
            }
        }
    }
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < FRONTS; i++) {
            merge(&front[(i + 1) % FRONTS], &front[i]);
        }
    }
    for (int i = 1; i < FRONTS; i++) {
        wrong += !is_same(&front[0], &front[i]);
    }
    ck_assert_int_eq(wrong, 0);
    ck_assert_uint_gt(front[0].all.count, 0);
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("fleet_intent");
    tcase_add_test(c, whatever_the_order_all_fronts_agree);
    tcase_add_test(c, merging_is_associative_and_commutative);
    tcase_add_test(c, the_greater_counter_wins_then_the_greater_name);
    tcase_add_test(c, what_a_front_knows_of_its_own_stays_when_a_wish_comes_again);
    tcase_add_test(c, a_conflict_is_one_who_did_not_know_of_the_other);
    tcase_add_loop_test(c, ten_fronts_agree_though_documents_are_lost_repeated_and_late, 0, 10);

    Suite *s = suite_create("fleet_intent");
    suite_add_tcase(s, c);
    return run_suite(s);
}
