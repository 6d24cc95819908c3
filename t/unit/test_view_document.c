/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_view_document.c - what a front says of its members: what goes in comes out, what has no room
 * is left out in a fixed order, and nothing else is read. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"
#include "pool_fixture.h"
#include "run_suite.h"
#include "view_document.h"

static lb_front_view_t empty_view(void)
{
    return (lb_front_view_t){ .software = "1.2.3",
                              .generation = 7,
                              .balancers =
                                  apr_array_make(pool, 1, sizeof(lb_front_balancer_t)) };
}

static apr_array_header_t *add_balancer(lb_front_view_t *view, const char *key)
{
    lb_front_balancer_t balancer = { .vhost = "www.example.com:443", .key = key, .queued = 9 };

    balancer.members = apr_array_make(pool, 1, sizeof(lb_front_member_t));
    APR_ARRAY_PUSH(view->balancers, lb_front_balancer_t) = balancer;
    return balancer.members;
}

static void add_member(apr_array_header_t *members, lb_front_member_t member)
{
    APR_ARRAY_PUSH(members, lb_front_member_t) = member;
}

static void add_numbered(apr_array_header_t *members, int number, uint32_t in_flight)
{
    add_member(members, (lb_front_member_t){ .name = apr_psprintf(pool, "fcgi://php:%d", number),
                                             .in_flight = in_flight });
}

static const lb_front_view_t *there_and_back(const lb_front_view_t *view)
{
    const char *why = NULL;
    const char *text = lb_view_document_write(pool, view);

    ck_assert_ptr_nonnull(text);
    ck_assert_uint_le(strlen(text), LB_VIEW_DOCUMENT_MAX);
    const lb_front_view_t *back = lb_view_document_read(pool, text, strlen(text), &why);
    ck_assert_msg(back != NULL, "%s: %s", why, text);
    return back;
}

static const lb_front_balancer_t *balancer_in(const lb_front_view_t *view, int i)
{
    return &APR_ARRAY_IDX(view->balancers, i, lb_front_balancer_t);
}

static const lb_front_member_t *member_in(const lb_front_view_t *view, int i)
{
    return &APR_ARRAY_IDX(balancer_in(view, 0)->members, i, lb_front_member_t);
}

START_TEST(everything_comes_back)
{
    lb_front_view_t view = empty_view();
    add_member(add_balancer(&view, "app"),
               (lb_front_member_t){ .name = "unix:/run/a.sock|fcgi://a",
                                    .state = LB_STATE_ERROR,
                                    .is_failing = true,
                                    .in_flight = 1,
                                    .queued = 2,
                                    .limit = 3,
                                    .share = 4,
                                    .floor = 5,
                                    .elected = INT64_MAX,
                                    .failures = 7,
                                    .checked = UINT32_MAX,
                                    .has_passed = true });
    const lb_front_view_t *back = there_and_back(&view);
    const lb_front_member_t *member = member_in(back, 0);

    ck_assert_str_eq(back->software, "1.2.3");
    ck_assert_uint_eq(back->generation, 7);
    ck_assert_uint_eq(back->left_out, 0);
    ck_assert_int_eq(back->balancers->nelts, 1);
    ck_assert_str_eq(balancer_in(back, 0)->vhost, "www.example.com:443");
    ck_assert_str_eq(balancer_in(back, 0)->key, "app");
    ck_assert_uint_eq(balancer_in(back, 0)->queued, 9);
    ck_assert_str_eq(member->name, "unix:/run/a.sock|fcgi://a");
    ck_assert_int_eq(member->state, LB_STATE_ERROR);
    ck_assert(member->is_failing && member->has_passed);
    ck_assert_uint_eq(member->in_flight, 1);
    ck_assert_uint_eq(member->queued, 2);
    ck_assert_uint_eq(member->limit, 3);
    ck_assert_uint_eq(member->share, 4);
    ck_assert_uint_eq(member->floor, 5);
    ck_assert_uint_eq(member->elected, INT64_MAX);
    ck_assert_uint_eq(member->failures, 7);
    ck_assert_uint_eq(member->checked, UINT32_MAX);
}
END_TEST

START_TEST(every_state_comes_back)
{
    lb_front_view_t view = empty_view();
    apr_array_header_t *members = add_balancer(&view, "app");
    for (lb_state_t state = 0; state < LB_STATE_COUNT; state++) {
        add_member(members, (lb_front_member_t){ .name = lb_state_word(state),
                                                 .state = state,
                                                 .in_flight = 1 });
    }
    const lb_front_view_t *back = there_and_back(&view);
    for (int i = 0; i < LB_STATE_COUNT; i++) {
        ck_assert_str_eq(lb_state_word(member_in(back, i)->state), member_in(back, i)->name);
    }
}
END_TEST

START_TEST(an_idle_member_takes_few_bytes)
{
    lb_front_view_t view = empty_view();
    apr_array_header_t *members = add_balancer(&view, "app");
    const size_t before = strlen(lb_view_document_write(pool, &view));

    add_numbered(members, 9000, 0);
    ck_assert_uint_eq(strlen(lb_view_document_write(pool, &view)) - before,
                      strlen("{\"name\":\"fcgi://php:9000\"}"));
}
END_TEST

START_TEST(idle_members_are_left_out_first_and_of_them_the_last)
{
    enum { MANY = 4000 };
    lb_front_view_t view = empty_view();
    apr_array_header_t *members = add_balancer(&view, "app");

    for (int i = 0; i < MANY; i++) {
        add_numbered(members, i, i >= MANY - 10);
    }
    const lb_front_view_t *back = there_and_back(&view);
    const int written = balancer_in(back, 0)->members->nelts;
    ck_assert_int_gt(written, 1000);
    ck_assert_uint_eq(back->left_out, (uint32_t)(MANY - written));
    for (int i = 0; i < 10; i++) {
        ck_assert_str_eq(member_in(back, i)->name,
                         apr_psprintf(pool, "fcgi://php:%d", MANY - 10 + i));
    }
    for (int i = 10; i < written; i++) {
        ck_assert_str_eq(member_in(back, i)->name, apr_psprintf(pool, "fcgi://php:%d", i - 10));
    }
}
END_TEST

START_TEST(a_balancer_without_room_takes_its_members_with_it)
{
    char *long_key = apr_pcalloc(pool, LB_VIEW_DOCUMENT_MAX + 1);
    lb_front_view_t view = empty_view();

    memset(long_key, 'x', LB_VIEW_DOCUMENT_MAX);
    add_numbered(add_balancer(&view, long_key), 1, 1);
    add_numbered(add_balancer(&view, "app"), 2, 0);
    const lb_front_view_t *back = there_and_back(&view);
    ck_assert_uint_eq(back->left_out, 1);
    ck_assert_int_eq(back->balancers->nelts, 1);
    ck_assert_str_eq(member_in(back, 0)->name, "fcgi://php:2");
}
END_TEST

START_TEST(a_name_that_is_no_text_is_left_out)
{
    lb_front_view_t view = empty_view();
    apr_array_header_t *members = add_balancer(&view, "app");

    add_member(members, (lb_front_member_t){ .name = "fcgi://a/\xff", .in_flight = 1 });
    add_numbered(members, 2, 0);
    const lb_front_view_t *back = there_and_back(&view);
    ck_assert_uint_eq(back->left_out, 1);
    ck_assert_str_eq(member_in(back, 0)->name, "fcgi://php:2");
}
END_TEST

START_TEST(a_document_cut_after_any_byte_is_refused)
{
    lb_front_view_t view = empty_view();
    add_numbered(add_balancer(&view, "app"), 1, 1);
    const char *text = lb_view_document_write(pool, &view);

    for (size_t bytes = 0; bytes < strlen(text); bytes++) {
        const char *why = NULL;
        char *exact = malloc(bytes + 1);
        memcpy(exact, text, bytes);
        ck_assert_ptr_null(lb_view_document_read(pool, exact, bytes, &why));
        ck_assert_ptr_nonnull(why);
        free(exact);
    }
}
END_TEST

START_TEST(a_document_that_is_too_large_is_not_looked_at)
{
    char *text = apr_pcalloc(pool, LB_VIEW_DOCUMENT_MAX + 1);
    const char *why = NULL;

    memset(text, ' ', LB_VIEW_DOCUMENT_MAX + 1);
    ck_assert_ptr_null(lb_view_document_read(pool, text, LB_VIEW_DOCUMENT_MAX + 1, &why));
    ck_assert_str_eq(why, "it is larger than 32768 bytes");
}
END_TEST

#define HEAD "{\"version\":1,\"software\":\"1\",\"balancers\":"
#define MEMBERS(members) \
    HEAD "[{\"vhost\":\"v\",\"balancer\":\"b\",\"queued\":0,\"members\":" members "}]}"
#define MEMBER(more) MEMBERS("[{\"name\":\"fcgi://a\"," more "}]")

static const lb_front_view_t *read_text(const char *text, const char **why)
{
    *why = NULL;
    return lb_view_document_read(pool, text, strlen(text), why);
}

START_TEST(what_is_no_view_is_refused)
{
    static const char *const texts[] = {
        "",
        "null",
        "[]",
        "{}",
        "\"x\"",
        "{\"version\":1}",
        "{\"version\":\"1\",\"software\":\"1\",\"balancers\":[]}",
        "{\"version\":2,\"software\":\"1\",\"balancers\":[]}",
        "{\"version\":1,\"software\":1,\"balancers\":[]}",
        "{\"version\":1,\"software\":\"\",\"balancers\":[]}",
        "{\"version\":1,\"software\":\"1\",\"generation\":-1,\"balancers\":[]}",
        "{\"version\":1,\"software\":\"1\",\"generation\":1.0,\"balancers\":[]}",
        "{\"version\":1,\"software\":\"1\",\"left_out\":4294967296,\"balancers\":[]}",
        HEAD "{}}",
        HEAD "[1]}",
        HEAD "[{}]}",
        HEAD "[]} x",
        HEAD "[],\"version\":1}",
        HEAD "[{\"vhost\":\"v\",\"balancer\":\"b\"}]}",
        HEAD "[{\"vhost\":\"v\",\"balancer\":2,\"members\":[]}]}",
        HEAD "[{\"vhost\":null,\"balancer\":\"b\",\"members\":[]}]}",
        HEAD "[{\"vhost\":\"v\",\"balancer\":\"b\",\"queued\":\"1\",\"members\":[]}]}",
        MEMBERS("null"),
        MEMBERS("{}"),
        MEMBERS("[1]"),
        MEMBERS("[{}]"),
        MEMBERS("[{\"name\":\"\"}]"),
        MEMBERS("[{\"name\":\"a\\u0000b\"}]"),
        MEMBER("\"state\":1"),
        MEMBER("\"failing\":1"),
        MEMBER("\"passed\":\"true\""),
        MEMBER("\"in_flight\":-1"),
        MEMBER("\"queued\":true"),
        MEMBER("\"limit\":4294967296"),
        MEMBER("\"share\":null"),
        MEMBER("\"floor\":1.5"),
        MEMBER("\"checked\":[]"),
        MEMBER("\"elected\":-1"),
        MEMBER("\"elected\":9223372036854775808"),
        MEMBER("\"failures\":\"1\""),
        MEMBER("\"in_flight\":1,\"in_flight\":2"),
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const char *why;
        ck_assert_msg(!read_text(texts[i], &why), "%s", texts[i]);
        ck_assert_msg(why != NULL, "%s", texts[i]);
    }
}
END_TEST

START_TEST(what_later_versions_may_add_is_ignored)
{
    const char *why;
    const lb_front_view_t *view = read_text(MEMBER("\"state\":\"asleep\",\"more\":[1]"), &why);

    ck_assert_msg(view != NULL, "%s", why);
    ck_assert_int_eq(member_in(view, 0)->state, LB_STATE_STOPPED);
    ck_assert_uint_eq(member_in(view, 0)->in_flight, 0);
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("view_document");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, everything_comes_back);
    tcase_add_test(c, every_state_comes_back);
    tcase_add_test(c, an_idle_member_takes_few_bytes);
    tcase_add_test(c, idle_members_are_left_out_first_and_of_them_the_last);
    tcase_add_test(c, a_balancer_without_room_takes_its_members_with_it);
    tcase_add_test(c, a_name_that_is_no_text_is_left_out);
    tcase_add_test(c, a_document_cut_after_any_byte_is_refused);
    tcase_add_test(c, a_document_that_is_too_large_is_not_looked_at);
    tcase_add_test(c, what_is_no_view_is_refused);
    tcase_add_test(c, what_later_versions_may_add_is_ignored);

    Suite *s = suite_create("view_document");
    suite_add_tcase(s, c);
    return run_suite(s);
}
