/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_fleet_share.c - who gets what of a limit over all fronts, and what is covered. */
#include "fleet_share.h"

#include "run_suite.h"

static lb_share_part_t part(uint32_t floor, uint32_t share, uint32_t want, uint64_t stands)
{
    return (lb_share_part_t){
        .told = { .floor = floor, .share = share, .want = want, .stands = stands },
        .split = floor,
        .is_live = true
    };
}

START_TEST(floors_split_the_limit_and_nothing_is_left)
{
    for (uint32_t limit = 0; limit < 50; limit++) {
        for (uint32_t fronts = 1; fronts <= 12; fronts++) {
            uint32_t sum = 0;
            for (uint32_t rank = 0; rank < fronts; rank++) {
                sum += lb_share_split(limit, fronts, rank);
            }
            ck_assert_uint_eq(sum, limit);
        }
    }
    ck_assert_uint_eq(lb_share_split(7, 3, 0), 3);
    ck_assert_uint_eq(lb_share_split(7, 3, 2), 2);
    ck_assert_uint_eq(lb_share_split(7, 0, 0), 0);
}
END_TEST

START_TEST(idle_fronts_stay_at_their_floors)
{
    const lb_share_part_t parts[] = { part(4, 4, 1, 0), part(3, 3, 1, 0), part(3, 3, 1, 0) };
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(lb_share_target(parts, 3, i), parts[i].told.floor);
    }
}
END_TEST

START_TEST(who_has_all_the_demand_gets_all_but_one_of_each)
{
    const lb_share_part_t parts[] = { part(4, 4, 30, 0), part(3, 3, 1, 0), part(3, 3, 1, 0) };
    ck_assert_uint_eq(lb_share_target(parts, 3, 0), 8);
    ck_assert_uint_eq(lb_share_target(parts, 3, 1), 1);
}
END_TEST

START_TEST(demands_that_are_too_great_get_equal_parts)
{
    const lb_share_part_t parts[] = { part(4, 8, 30, 1), part(3, 1, 20, 9), part(3, 1, 2, 9) };
    ck_assert_uint_eq(lb_share_target(parts, 3, 0), 4);
    ck_assert_uint_eq(lb_share_target(parts, 3, 1), 4);
    ck_assert_uint_eq(lb_share_target(parts, 3, 2), 2);
}
END_TEST

START_TEST(what_nobody_misses_is_kept_until_half_of_it_is_idle)
{
    lb_share_part_t parts[] = { part(5, 8, 6, 1), part(5, 2, 1, 9) };
    ck_assert_uint_eq(lb_share_target(parts, 2, 0), 8);
    parts[0].told.want = 4;
    ck_assert_uint_eq(lb_share_target(parts, 2, 0), 7);
}
END_TEST

START_TEST(who_is_silent_counts_with_what_it_has_borrowed)
{
    lb_share_part_t parts[] = { part(5, 5, 30, 0), part(5, 7, 1, 3) };
    parts[1].is_live = false;
    ck_assert_uint_eq(lb_share_target(parts, 2, 0), 3);
    parts[1].is_over = true;
    ck_assert_uint_eq(lb_share_target(parts, 2, 0), 5);
}
END_TEST

START_TEST(borrowing_is_covered_by_what_stands_at_least_as_long)
{
    lb_share_part_t parts[] = { part(5, 8, 9, 10), part(5, 2, 1, 10), part(5, 5, 1, 0) };
    ck_assert(lb_share_is_covered(parts, 3));
    parts[1].told.stands = 9;
    ck_assert(!lb_share_is_covered(parts, 3));
    parts[0].told.stands = 9;
    ck_assert(lb_share_is_covered(parts, 3));
    parts[2] = part(5, 6, 9, 4);
    ck_assert(!lb_share_is_covered(parts, 3));
    parts[2].is_over = true;
    ck_assert(lb_share_is_covered(parts, 3));
}
END_TEST

START_TEST(as_much_is_taken_as_is_covered)
{
    const lb_share_part_t parts[] = { part(5, 5, 20, 0), part(5, 2, 1, 10), part(5, 1, 1, 12) };
    ck_assert_uint_eq(lb_share_most(parts, 3, 0, 5, 20, 0, 10), 12);
    ck_assert_uint_eq(lb_share_most(parts, 3, 0, 5, 20, 0, 11), 9);
    ck_assert_uint_eq(lb_share_most(parts, 3, 0, 5, 7, 0, 10), 7);
    ck_assert_uint_eq(lb_share_most(parts, 3, 0, 5, 20, 0, 13), 5);
}
END_TEST

START_TEST(what_is_lent_is_taken_back_when_nobody_uses_it)
{
    lb_share_part_t parts[] = { part(5, 1, 20, 10), part(5, 7, 9, 8) };
    ck_assert_uint_eq(lb_share_most(parts, 2, 0, 1, 5, 11, 0), 3);
    parts[1] = part(5, 5, 1, 0);
    ck_assert_uint_eq(lb_share_most(parts, 2, 0, 1, 5, 11, 0), 5);
}
END_TEST

START_TEST(floor_falls_as_far_as_what_others_borrow_allows)
{
    const lb_share_part_t parts[] = { part(6, 2, 1, 10), part(4, 7, 9, 8) };
    ck_assert_uint_eq(lb_share_least_floor(parts, 2, 0, 3, 0), 5);
    ck_assert_uint_eq(lb_share_least_floor(parts, 2, 0, 6, 0), 6);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fleet share");
    TCase *tc = tcase_create("fleet share");
    tcase_add_test(tc, floors_split_the_limit_and_nothing_is_left);
    tcase_add_test(tc, idle_fronts_stay_at_their_floors);
    tcase_add_test(tc, who_has_all_the_demand_gets_all_but_one_of_each);
    tcase_add_test(tc, demands_that_are_too_great_get_equal_parts);
    tcase_add_test(tc, what_nobody_misses_is_kept_until_half_of_it_is_idle);
    tcase_add_test(tc, who_is_silent_counts_with_what_it_has_borrowed);
    tcase_add_test(tc, borrowing_is_covered_by_what_stands_at_least_as_long);
    tcase_add_test(tc, as_much_is_taken_as_is_covered);
    tcase_add_test(tc, what_is_lent_is_taken_back_when_nobody_uses_it);
    tcase_add_test(tc, floor_falls_as_far_as_what_others_borrow_allows);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
