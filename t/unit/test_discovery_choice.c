/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_discovery_choice.c - which addresses become members when there are too many. */
#include "discovery_choice.h"

#include <string.h>

#include "run_suite.h"

#define ADDRESSES 6

/* Each of 6 addresses has one of 2 priorities, is a member or not, and has one of 2 hashes: the
 * chosen ones are never behind one that was not. */
static bool is_before(const lb_candidacy_t *a, const lb_candidacy_t *b)
{
    return a->priority < b->priority
           || (a->priority == b->priority
               && (a->is_member > b->is_member
                   || (a->is_member == b->is_member && a->hash < b->hash)));
}

START_TEST(nobody_is_chosen_before_one_with_a_better_claim)
{
    lb_candidacy_t all[ADDRESSES];
    bool is_chosen[ADDRESSES];

    for (unsigned set = 0; set < 1u << (3 * ADDRESSES); set += 5) {
        for (size_t i = 0; i < ADDRESSES; i++) {
            const unsigned bits = set >> (3 * i);
            all[i] = (lb_candidacy_t){ bits & 1, (bits >> 1) & 1, (bits >> 2) & 1 };
        }
        const size_t dropped = lb_discovery_choice(all, ADDRESSES, (size_t)_i, is_chosen);
        bool is_right = true;    /* asserted once: Check writes down each assertion */
        size_t chosen = 0;
        for (size_t i = 0; i < ADDRESSES; i++) {
            chosen += is_chosen[i];
            for (size_t k = 0; k < ADDRESSES; k++) {
                is_right &= !is_chosen[i] || is_chosen[k] || !is_before(&all[k], &all[i]);
            }
        }
        ck_assert(is_right);
        ck_assert_uint_eq(chosen, _i < ADDRESSES ? (size_t)_i : ADDRESSES);
        ck_assert_uint_eq(chosen + dropped, ADDRESSES);
    }
}
END_TEST

/* As servers do: chosen ones are members the next time. */
START_TEST(the_choice_stays_when_others_come_and_the_order_changes)
{
    lb_candidacy_t all[ADDRESSES];
    bool is_chosen[ADDRESSES], again[ADDRESSES];

    for (size_t i = 0; i < ADDRESSES; i++) {
        all[i] = (lb_candidacy_t){ .hash = 100 - i };
    }
    lb_discovery_choice(all, ADDRESSES - 2, 2, is_chosen);
    is_chosen[ADDRESSES - 2] = is_chosen[ADDRESSES - 1] = false;
    lb_candidacy_t turned[ADDRESSES];
    for (size_t i = 0; i < ADDRESSES; i++) {
        all[i].is_member = is_chosen[i];
        turned[ADDRESSES - 1 - i] = all[i];
    }
    lb_discovery_choice(turned, ADDRESSES, 2, again);
    for (size_t i = 0; i < ADDRESSES; i++) {
        ck_assert_int_eq(again[ADDRESSES - 1 - i], is_chosen[i]);
    }
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("discovery_choice");

    tcase_add_loop_test(tc, nobody_is_chosen_before_one_with_a_better_claim, 0, ADDRESSES + 2);
    tcase_add_test(tc, the_choice_stays_when_others_come_and_the_order_changes);
    Suite *suite = suite_create("discovery_choice");
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
