/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_state_json.c - the text of the state file: what goes in comes out, and nothing else does. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "pool_fixture.h"
#include "run_suite.h"
#include "state_json.h"

static apr_array_header_t *values_of(const char *name, const char *value, const char *configured)
{
    apr_array_header_t *values = apr_array_make(pool, 1, sizeof(lb_saved_value_t));
    if (name) {
        APR_ARRAY_PUSH(values, lb_saved_value_t) = (lb_saved_value_t){ name, value, configured };
    }
    return values;
}

/* One balancer with one member. */
static lb_saved_state_t state_of(lb_saved_member_t member)
{
    lb_saved_state_t state = { .saved_at = apr_time_from_sec(1700000000) };
    lb_saved_balancer_t balancer = { .name = "balancer://b",
                                     .vhost = "host:80",
                                     .values = values_of("timeout", "5", "0") };

    balancer.members = apr_array_make(pool, 1, sizeof(lb_saved_member_t));
    APR_ARRAY_PUSH(balancer.members, lb_saved_member_t) = member;
    state.balancers = apr_array_make(pool, 1, sizeof(lb_saved_balancer_t));
    APR_ARRAY_PUSH(state.balancers, lb_saved_balancer_t) = balancer;
    return state;
}

static lb_saved_state_t *there_and_back(const lb_saved_state_t *state)
{
    const char *why = "?";
    char *text = lb_state_json_write(state);
    ck_assert_ptr_nonnull(text);
    lb_saved_state_t *back = lb_state_json_read(pool, text, strlen(text), &why);
    ck_assert_msg(back, "%s: %s", why, text);
    free(text);
    return back;
}

static const lb_saved_member_t *member_in(const lb_saved_state_t *state)
{
    const lb_saved_balancer_t *b = &APR_ARRAY_IDX(state->balancers, 0, lb_saved_balancer_t);
    return &APR_ARRAY_IDX(b->members, 0, lb_saved_member_t);
}

START_TEST(everything_comes_back)
{
    const lb_saved_state_t state =
        state_of((lb_saved_member_t){ .url = "unix:/run/a.sock|fcgi://a",
                                      .is_added = true,
                                      .is_removed = true,
                                      .values = values_of("weight", "2.50", NULL),
                                      .banned_since = INT64_C(1700000000123456),
                                      .ban = 60000000 });
    const lb_saved_state_t *back = there_and_back(&state);
    const lb_saved_balancer_t *b = &APR_ARRAY_IDX(back->balancers, 0, lb_saved_balancer_t);
    const lb_saved_member_t *m = member_in(back);
    const lb_saved_value_t *v = &APR_ARRAY_IDX(b->values, 0, lb_saved_value_t);

    ck_assert_int_eq(back->saved_at, state.saved_at);
    ck_assert_int_eq(back->balancers->nelts, 1);
    ck_assert_str_eq(b->name, "balancer://b");
    ck_assert_str_eq(b->vhost, "host:80");
    ck_assert_str_eq(v->name, "timeout");
    ck_assert_str_eq(v->value, "5");
    ck_assert_str_eq(v->configured, "0");
    ck_assert_str_eq(m->url, "unix:/run/a.sock|fcgi://a");
    ck_assert(m->is_added && m->is_removed);
    ck_assert_ptr_null(APR_ARRAY_IDX(m->values, 0, lb_saved_value_t).configured);
    ck_assert_int_eq(m->banned_since, INT64_C(1700000000123456));
    ck_assert_int_eq(m->ban, 60000000);
}
END_TEST

START_TEST(every_byte_of_a_route_comes_back)
{
    char route[256];
    for (int i = 0; i < 255; i++) {
        route[i] = (char)(i + 1);
    }
    route[255] = '\0';
    const lb_saved_state_t state = state_of((lb_saved_member_t){
        .url = "fcgi://a", .values = values_of("route", route, "") });
    const lb_saved_value_t *v =
        &APR_ARRAY_IDX(member_in(there_and_back(&state))->values, 0, lb_saved_value_t);

    ck_assert_str_eq(v->value, route);
    ck_assert_str_eq(v->configured, "");
}
END_TEST

START_TEST(a_text_cut_after_any_byte_is_refused)
{
    const lb_saved_state_t state = state_of((lb_saved_member_t){
        .url = "fcgi://a", .values = values_of("weight", "5.00", "1.00") });
    char *text = lb_state_json_write(&state);

    for (size_t bytes = 0; bytes < strlen(text); bytes++) {
        const char *why = NULL;
        char *exact = malloc(bytes + 1);
        memcpy(exact, text, bytes);
        ck_assert_ptr_null(lb_state_json_read(pool, exact, bytes, &why));
        ck_assert_ptr_nonnull(why);
        free(exact);
    }
    free(text);
}
END_TEST

#define HEAD "{\"format\":\"mod_balancer_byrequests\",\"version\":1,\"saved_at\":1,\"balancers\":"
#define BALANCER(members) \
    HEAD "[{\"name\":\"b\",\"vhost\":\"v\",\"values\":{},\"members\":" members "}]}"

START_TEST(what_is_no_state_is_refused)
{
    static const char *const texts[] = {
        "",
        "null",
        "[]",
        "{}",
        "\"x\"",
        "{\"format\":\"mod_balancer_byrequests\"}",
        "{\"format\":\"other\",\"version\":1,\"saved_at\":1,\"balancers\":[]}",
        "{\"format\":\"mod_balancer_byrequests\",\"version\":2,\"saved_at\":1,\"balancers\":[]}",
        "{\"format\":\"mod_balancer_byrequests\",\"version\":\"1\",\"balancers\":[]}",
        HEAD "{}}",
        HEAD "[1]}",
        HEAD "[{}]}",
        HEAD "[]} x",
        HEAD "[],\"version\":1}",
        BALANCER("null"),
        BALANCER("{}"),
        BALANCER("[1]"),
        BALANCER("[{}]"),
        BALANCER("[{\"url\":\"u\"}]"),
        BALANCER("[{\"url\":1,\"values\":{}}]"),
        BALANCER("[{\"url\":\"u\",\"values\":[]}]"),
        BALANCER("[{\"url\":\"u\",\"values\":{\"weight\":5}}]"),
        BALANCER("[{\"url\":\"u\",\"values\":{\"weight\":{\"run_time\":\"5\"}}}]"),
        BALANCER("[{\"url\":\"u\",\"values\":{\"weight\":{\"run_time\":5,\"config\":null}}}]"),
        BALANCER(
            "[{\"url\":\"u\",\"values\":{\"route\":{\"run_time\":\"\\u0100\",\"config\":null}}}]"),
        BALANCER("[{\"url\":\"u\",\"values\":{},\"ban\":{\"since_us\":-1,\"for_us\":1}}]"),
        BALANCER("[{\"url\":\"u\",\"values\":{},"
                 "\"ban\":{\"since_us\":1,\"for_us\":9223372036854775807}}]"),
        ("{\"format\":\"mod_balancer_byrequests\",\"version\":1,\"balancers\":[],"
         "\"saved_at\":9223372036854775807}"),
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const char *why = NULL;
        ck_assert_msg(!lb_state_json_read(pool, texts[i], strlen(texts[i]), &why), "%s", texts[i]);
        ck_assert_msg(why != NULL, "%s", texts[i]);
    }
}
END_TEST

START_TEST(what_later_versions_may_add_is_ignored)
{
    static const char text[] =
        BALANCER("[{\"url\":\"u\",\"values\":{},\"more\":[1],\"added\":\"yes\"}]");
    const char *why = NULL;
    const lb_saved_state_t *state = lb_state_json_read(pool, text, strlen(text), &why);

    ck_assert_msg(state != NULL, "%s", why);
    ck_assert(!member_in(state)->is_added);
    ck_assert_int_eq(member_in(state)->banned_since, 0);
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("state_json");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, everything_comes_back);
    tcase_add_test(c, every_byte_of_a_route_comes_back);
    tcase_add_test(c, a_text_cut_after_any_byte_is_refused);
    tcase_add_test(c, what_is_no_state_is_refused);
    tcase_add_test(c, what_later_versions_may_add_is_ignored);

    Suite *s = suite_create("state_json");
    suite_add_tcase(s, c);
    return run_suite(s);
}
