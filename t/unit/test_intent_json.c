/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_intent_json.c - the text of a fleet's wishes: what goes in comes out, and nothing else does. */
#include "intent_json.h"

#include <stdlib.h>
#include <string.h>

#include "pool_fixture.h"
#include "run_suite.h"

#define NOW apr_time_from_sec(INT64_C(1700000000))

static const lb_intent_t everything = {
    .balancer = "shop",
    .vhost = "www.example.com:443",
    .member = "unix:/run/a.sock|fcgi://a",
    .setting = "weight",
    .value = "2.50",
    .configured = "1.00",
    .by = "bob",
    .stamp = { 7, "web1" },
    .over = { 5, "web2" },
    .made_at = NOW - apr_time_from_sec(90),
    .standing = LB_INTENT_OVERRIDDEN,
    .told = { 6, "web3" },
};

static char *text_of(const lb_intent_t *wish)
{
    lb_intents_t *intents = lb_intent_json_make(pool, 1);

    if (wish) {
        lb_fleet_intent_put(intents, wish);
    }
    char *text = lb_intent_json_write(intents, NOW);
    ck_assert_ptr_nonnull(text);
    return text;
}

static bool is_stamp(const lb_intent_stamp_t *stamp, uint64_t counter, const char *front)
{
    return stamp->counter == counter && (counter == 0 || strcmp(stamp->front, front) == 0);
}

static const lb_intent_t *only(const lb_intents_t *intents)
{
    ck_assert_ptr_nonnull(intents);
    ck_assert_uint_eq(intents->count, 1);
    return &intents->entries[0];
}

START_TEST(everything_comes_back)
{
    const char *why;
    char *text = text_of(&everything);
    lb_intents_t *intents = lb_intent_json_read_own(pool, text, strlen(text), 3, &why);
    const lb_intent_t *wish = only(intents);

    ck_assert_uint_eq(intents->counter, 7);
    ck_assert_uint_ge(intents->room, 4);
    ck_assert_str_eq(wish->balancer, "shop");
    ck_assert_str_eq(wish->vhost, "www.example.com:443");
    ck_assert_str_eq(wish->member, "unix:/run/a.sock|fcgi://a");
    ck_assert_str_eq(wish->setting, "weight");
    ck_assert_str_eq(wish->value, "2.50");
    ck_assert_str_eq(wish->configured, "1.00");
    ck_assert_str_eq(wish->by, "bob");
    ck_assert(is_stamp(&wish->stamp, 7, "web1"));
    ck_assert(is_stamp(&wish->over, 5, "web2"));
    ck_assert(is_stamp(&wish->told, 6, "web3"));
    ck_assert_int_eq(wish->made_at, everything.made_at);
    ck_assert_int_eq(wish->standing, LB_INTENT_OVERRIDDEN);
    free(text);
}
END_TEST

START_TEST(what_is_nothing_comes_back_as_nothing)
{
    const char *why;
    const lb_intent_t bare = { .balancer = "b",
                               .vhost = "",
                               .member = "",
                               .setting = "sticky",
                               .value = "",
                               .by = "",
                               .stamp = { 1, "w" } };
    char *text = text_of(&bare);
    const lb_intent_t *wish =
        only(lb_intent_json_read_own(pool, text, strlen(text), 0, &why));

    ck_assert_str_eq(wish->vhost, "");
    ck_assert_str_eq(wish->member, "");
    ck_assert_str_eq(wish->value, "");
    ck_assert_str_eq(wish->by, "");
    ck_assert_ptr_null(wish->configured);
    ck_assert(is_stamp(&wish->over, 0, NULL) && is_stamp(&wish->told, 0, NULL));
    free(text);
}
END_TEST

START_TEST(every_byte_of_a_route_comes_back)
{
    const char *why;
    char route[256];
    lb_intent_t wish = everything;

    for (int i = 0; i < 255; i++) {
        route[i] = (char)(i + 1);
    }
    route[255] = '\0';
    wish.value = route;
    char *text = text_of(&wish);
    ck_assert_str_eq(only(lb_intent_json_read_own(pool, text, strlen(text), 0, &why))->value,
                     route);
    free(text);
}
END_TEST

/* The clock of that front is an hour, or years, away from ours. */
START_TEST(times_of_another_front_are_moved_to_our_clock)
{
    const char *why;
    char *text = text_of(&everything);
    const apr_time_t later = NOW + apr_time_from_sec(3600);
    const lb_intent_t *wish =
        only(lb_intent_json_read_other(pool, text, strlen(text), later, &why));

    ck_assert_int_eq(later - wish->made_at, apr_time_from_sec(90));
    ck_assert_int_eq(wish->standing, LB_INTENT_PENDING);
    ck_assert(is_stamp(&wish->told, 0, NULL));
    wish = only(lb_intent_json_read_other(pool, text, strlen(text), 5, &why));
    ck_assert_int_eq(wish->made_at, 0);
    free(text);
}
END_TEST

START_TEST(the_counter_of_a_front_that_wants_nothing_comes_back)
{
    const char *why;
    lb_intents_t *intents = lb_intent_json_make(pool, 0);

    lb_fleet_intent_see(intents, 42);
    char *text = lb_intent_json_write(intents, NOW);
    ck_assert_uint_eq(lb_intent_json_read_own(pool, text, strlen(text), 0, &why)->counter, 42);
    free(text);
}
END_TEST

START_TEST(a_text_cut_after_any_byte_is_refused)
{
    char *text = text_of(&everything);

    for (size_t bytes = 0; bytes < strlen(text); bytes++) {
        const char *why = NULL;
        char *exact = malloc(bytes + 1);
        memcpy(exact, text, bytes);
        ck_assert_ptr_null(lb_intent_json_read_own(pool, exact, bytes, 0, &why));
        ck_assert_ptr_nonnull(why);
        free(exact);
    }
    free(text);
}
END_TEST

#define HEAD        "{\"version\":1,\"at\":5,\"counter\":9,\"wishes\":"
#define WISH(more)  HEAD "[{\"balancer\":\"b\",\"by\":\"x\",\"standing\":\"done\"" more "}]}"
#define REST        ",\"setting\":\"s\",\"value\":\"v\",\"config\":null"
#define STAMP       ",\"counter\":3,\"front\":\"w\",\"at\":4"

START_TEST(what_is_no_document_is_refused)
{
    static const char *const texts[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"version\":2,\"at\":5,\"counter\":9,\"wishes\":[]}",
        "{\"version\":\"1\",\"at\":5,\"counter\":9,\"wishes\":[]}",
        "{\"version\":1,\"counter\":9,\"wishes\":[]}",
        "{\"version\":1,\"at\":-1,\"counter\":9,\"wishes\":[]}",
        "{\"version\":1,\"at\":253402300800,\"counter\":9,\"wishes\":[]}",
        "{\"version\":1,\"at\":5,\"counter\":-9,\"wishes\":[]}",
        "{\"version\":1,\"at\":5,\"counter\":9223372036854775807,\"wishes\":[]}",
        HEAD "{}}",
        HEAD "[1]}",
        HEAD "[{}]}",
        HEAD "[]} x",
        HEAD "[],\"version\":1}",
        WISH(""),
        WISH(REST),
        WISH(STAMP),
        WISH(",\"setting\":\"\",\"value\":\"v\",\"config\":null" STAMP),
        WISH(",\"setting\":1,\"value\":\"v\",\"config\":null" STAMP),
        WISH(",\"setting\":\"s\",\"value\":5,\"config\":null" STAMP),
        WISH(",\"setting\":\"s\",\"value\":\"\\u0100\",\"config\":null" STAMP),
        WISH(",\"setting\":\"s\",\"value\":\"v\"" STAMP),
        WISH(",\"setting\":\"s\",\"value\":\"v\",\"config\":1" STAMP),
        WISH(REST ",\"counter\":0,\"front\":\"w\",\"at\":4"),
        WISH(REST ",\"counter\":-1,\"front\":\"w\",\"at\":4"),
        WISH(REST ",\"counter\":4611686018427387905,\"front\":\"w\",\"at\":4"),
        WISH(REST ",\"counter\":\"3\",\"front\":\"w\",\"at\":4"),
        WISH(REST ",\"counter\":3,\"front\":\"\",\"at\":4"),
        WISH(REST ",\"counter\":3,\"at\":4"),
        WISH(REST ",\"counter\":3,\"front\":\"w\",\"at\":-4"),
        WISH(REST ",\"counter\":3,\"front\":\"w\",\"at\":4.5"),
        WISH(REST STAMP ",\"vhost\":null"),
        WISH(REST STAMP ",\"member\":{}"),
        WISH(REST STAMP ",\"over\":{}"),
        WISH(REST STAMP ",\"over\":{\"counter\":1}"),
        WISH(REST STAMP ",\"told\":5"),
        HEAD "[{\"by\":\"x\",\"standing\":\"done\"" REST STAMP "}]}",
        HEAD "[{\"balancer\":\"b\",\"by\":1,\"standing\":\"done\"" REST STAMP "}]}",
        HEAD "[{\"balancer\":\"b\",\"by\":\"x\",\"standing\":\"gone\"" REST STAMP "}]}",
        HEAD "[{\"balancer\":\"b\",\"by\":\"x\"" REST STAMP "}]}",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const char *why = NULL;
        ck_assert_msg(!lb_intent_json_read_own(pool, texts[i], strlen(texts[i]), 0, &why), "%s",
                      texts[i]);
        ck_assert_msg(why != NULL, "%s", texts[i]);
    }
}
END_TEST

START_TEST(too_long_a_text_is_refused_and_what_later_versions_may_add_is_ignored)
{
    const char *why;
    char name[1026];
    lb_intent_t wish = everything;
    static const char later[] = WISH(REST STAMP ",\"more\":[1]");

    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    wish.member = name;
    char *text = text_of(&wish);
    ck_assert_ptr_null(lb_intent_json_read_own(pool, text, strlen(text), 0, &why));
    free(text);
    ck_assert_ptr_nonnull(lb_intent_json_read_own(pool, later, strlen(later), 0, &why));
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("intent_json");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, everything_comes_back);
    tcase_add_test(c, what_is_nothing_comes_back_as_nothing);
    tcase_add_test(c, every_byte_of_a_route_comes_back);
    tcase_add_test(c, times_of_another_front_are_moved_to_our_clock);
    tcase_add_test(c, the_counter_of_a_front_that_wants_nothing_comes_back);
    tcase_add_test(c, a_text_cut_after_any_byte_is_refused);
    tcase_add_test(c, what_is_no_document_is_refused);
    tcase_add_test(c, too_long_a_text_is_refused_and_what_later_versions_may_add_is_ignored);

    Suite *s = suite_create("intent_json");
    suite_add_tcase(s, c);
    return run_suite(s);
}
