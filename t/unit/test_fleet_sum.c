/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_fleet_sum.c - what three fronts say of the same members, put together. */
#include <check.h>

#include "apr_general.h"
#include "fleet_sum.h"
#include "run_suite.h"

static apr_pool_t *pool;
static apr_array_header_t *fronts;

static void set_up(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    fronts = apr_array_make(pool, 4, sizeof(lb_fleet_front_t));
}

static void tear_down(void)
{
    apr_pool_destroy(pool);
    apr_terminate();
}

static apr_array_header_t *add_front(const char *name, bool is_self, bool is_fresh)
{
    lb_front_view_t *view = apr_pcalloc(pool, sizeof(*view));

    view->balancers = apr_array_make(pool, 2, sizeof(lb_front_balancer_t));
    APR_ARRAY_PUSH(fronts, lb_fleet_front_t) = (lb_fleet_front_t){
        .name = name, .is_self = is_self, .is_fresh = is_fresh, .view = view
    };
    return view->balancers;
}

static apr_array_header_t *add_balancer(apr_array_header_t *balancers, const char *vhost,
                                        const char *key)
{
    lb_front_balancer_t balancer = { .vhost = vhost,
                                     .key = key,
                                     .members = apr_array_make(pool, 2,
                                                               sizeof(lb_front_member_t)) };

    APR_ARRAY_PUSH(balancers, lb_front_balancer_t) = balancer;
    return balancer.members;
}

static void add(apr_array_header_t *members, const char *name, uint32_t in_flight, bool is_failing)
{
    APR_ARRAY_PUSH(members, lb_front_member_t) = (lb_front_member_t){ .name = name,
                                                                      .in_flight = in_flight,
                                                                      .queued = 1,
                                                                      .limit = 8,
                                                                      .is_failing = is_failing };
}

static const lb_fleet_member_t *member_at(const apr_array_header_t *members, int i)
{
    return &APR_ARRAY_IDX(members, i, lb_fleet_member_t);
}

START_TEST(numbers_of_all_fresh_fronts_are_added)
{
    add(add_balancer(add_front("a", false, true), "v", "app"), "fcgi://1", 3, true);
    add(add_balancer(add_front("b", true, true), "v", "app"), "fcgi://1", 4, false);
    add(add_balancer(add_front("c", false, false), "v", "app"), "fcgi://1", 99, true);
    const apr_array_header_t *members = lb_fleet_sum_members(lb_fleet_sum(pool, fronts));
    const lb_fleet_member_t *member = member_at(members, 0);

    ck_assert_int_eq(members->nelts, 1);
    ck_assert_str_eq(member->name, "fcgi://1");
    ck_assert_uint_eq(member->in_flight, 7);
    ck_assert_uint_eq(member->queued, 2);
    ck_assert_uint_eq(member->failing, 1);
    ck_assert_uint_eq(member->limit, 8);
    ck_assert_int_eq(member->parts->nelts, 3);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(APR_ARRAY_IDX(member->parts, i, lb_fleet_part_t).front, i);
    }
}
END_TEST

START_TEST(own_members_come_first_as_they_are_configured)
{
    apr_array_header_t *others = add_balancer(add_front("a", false, true), "v", "app");
    add(others, "fcgi://3", 0, false);
    add(others, "fcgi://1", 0, false);
    apr_array_header_t *own = add_balancer(add_front("b", true, true), "v", "app");
    add(own, "fcgi://2", 0, false);
    add(own, "fcgi://1", 0, false);
    const apr_array_header_t *members = lb_fleet_sum_members(lb_fleet_sum(pool, fronts));

    ck_assert_int_eq(members->nelts, 3);
    ck_assert_str_eq(member_at(members, 0)->name, "fcgi://2");
    ck_assert_str_eq(member_at(members, 1)->name, "fcgi://1");
    ck_assert_str_eq(member_at(members, 2)->name, "fcgi://3");
    ck_assert_int_eq(member_at(members, 1)->parts->nelts, 2);
}
END_TEST

START_TEST(the_same_name_elsewhere_is_another_member)
{
    apr_array_header_t *balancers = add_front("a", true, true);
    add(add_balancer(balancers, "v", "app"), "fcgi://1", 1, false);
    add(add_balancer(balancers, "v", "api"), "fcgi://1", 2, false);
    add(add_balancer(balancers, "w", "app"), "fcgi://1", 4, false);
    const lb_fleet_sum_t *sum = lb_fleet_sum(pool, fronts);
    ck_assert_int_eq(lb_fleet_sum_members(sum)->nelts, 3);
    ck_assert_uint_eq(
        lb_fleet_sum_find(sum, &APR_ARRAY_IDX(balancers, 2, lb_front_balancer_t), "fcgi://1")
            ->in_flight,
        4);
    ck_assert_ptr_null(
        lb_fleet_sum_find(sum, &APR_ARRAY_IDX(balancers, 2, lb_front_balancer_t), "fcgi://2"));
}
END_TEST

START_TEST(a_front_of_which_nothing_is_known_adds_nothing)
{
    add_front("a", true, true);
    APR_ARRAY_PUSH(fronts, lb_fleet_front_t) = (lb_fleet_front_t){ .name = "b", .age = -1 };
    ck_assert_int_eq(lb_fleet_sum_members(lb_fleet_sum(pool, fronts))->nelts, 0);
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("fleet_sum");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, numbers_of_all_fresh_fronts_are_added);
    tcase_add_test(c, own_members_come_first_as_they_are_configured);
    tcase_add_test(c, the_same_name_elsewhere_is_another_member);
    tcase_add_test(c, a_front_of_which_nothing_is_known_adds_nothing);

    Suite *s = suite_create("fleet_sum");
    suite_add_tcase(s, c);
    return run_suite(s);
}
