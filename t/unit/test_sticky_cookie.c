/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_sticky_cookie.c - values that name members. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "sticky_cookie.h"
#include "run_suite.h"

static lb_sticky_cookie_t made(const char *key, const char *balancer, const char *socket,
                               const char *url)
{
    lb_sticky_cookie_t value;
    ck_assert(lb_sticky_cookie_make(fc_span_of(key), balancer, socket, url, &value));
    return value;
}

static lb_sticky_cookie_t usual(void)
{
    return made("0123456789abcdef", "balancer://app", "", "fcgi://127.0.0.1:9001");
}

START_TEST(value_is_what_other_servers_of_this_version_make)
{
    /* HMAC-SHA-256 three times, its first 16 bytes as base64url, by Python's hmac and base64:
     * a change here ends the sessions of everybody who updates */
    ck_assert_str_eq(usual().text, "w_LeBvt3LD0BCOPovZmRCA");
}
END_TEST

START_TEST(value_is_22_characters_of_base64url)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    for (int i = 0; i < 200; i++) {
        char url[40];
        snprintf(url, sizeof(url), "fcgi://127.0.0.1:%d", 9000 + i);
        const lb_sticky_cookie_t value = made("0123456789abcdef", "balancer://app", "", url);
        ck_assert_uint_eq(strlen(value.text), LB_STICKY_COOKIE_CHARS);
        ck_assert_uint_eq(strspn(value.text, digits), LB_STICKY_COOKIE_CHARS);
    }
}
END_TEST

START_TEST(same_member_has_the_same_value_each_time)
{
    ck_assert_str_eq(usual().text, usual().text);
}
END_TEST

START_TEST(key_balancer_socket_and_url_all_count)
{
    const lb_sticky_cookie_t values[] = {
        usual(),
        made("0123456789abcdeF", "balancer://app", "", "fcgi://127.0.0.1:9001"),
        made("0123456789abcdef", "balancer://other", "", "fcgi://127.0.0.1:9001"),
        made("0123456789abcdef", "balancer://app", "/run/a.sock", "fcgi://127.0.0.1:9001"),
        made("0123456789abcdef", "balancer://app", "", "fcgi://127.0.0.1:9002"),
    };
    const size_t count = sizeof(values) / sizeof(values[0]);

    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < count; k++) {
            ck_assert_int_eq(lb_sticky_cookie_is(fc_span_of(values[i].text), &values[k]), i == k);
        }
    }
}
END_TEST

START_TEST(borders_between_the_parts_cannot_be_moved)
{
    const lb_sticky_cookie_t one = made("0123456789abcdef", "ab", "c", "d");
    const lb_sticky_cookie_t two = made("0123456789abcdef", "a", "bc", "d");
    const lb_sticky_cookie_t three = made("0123456789abcdef", "ab", "", "cd");

    ck_assert_str_ne(one.text, two.text);
    ck_assert_str_ne(one.text, three.text);
}
END_TEST

START_TEST(zero_bytes_in_a_key_count)
{
    lb_sticky_cookie_t one, two;

    ck_assert(lb_sticky_cookie_make(fc_span("0123456789abcdef\0x", 18), "b", "", "u", &one));
    ck_assert(lb_sticky_cookie_make(fc_span("0123456789abcdef\0y", 18), "b", "", "u", &two));
    ck_assert_str_ne(one.text, two.text);
}
END_TEST

START_TEST(every_changed_character_makes_it_nobodys)
{
    const lb_sticky_cookie_t value = usual();

    for (size_t i = 0; i < LB_STICKY_COOKIE_CHARS; i++) {
        lb_sticky_cookie_t forged = value;
        forged.text[i] = forged.text[i] == 'A' ? 'B' : 'A';
        ck_assert(!lb_sticky_cookie_is(fc_span_of(forged.text), &value));
    }
}
END_TEST

START_TEST(other_lengths_are_nobodys)
{
    const lb_sticky_cookie_t value = usual();
    char longer[LB_STICKY_COOKIE_CHARS + 2];

    for (size_t bytes = 0; bytes < LB_STICKY_COOKIE_CHARS; bytes++) {
        ck_assert(!lb_sticky_cookie_is(fc_span(value.text, bytes), &value));
    }
    snprintf(longer, sizeof(longer), "%sA", value.text);
    ck_assert(!lb_sticky_cookie_is(fc_span_of(longer), &value));
    ck_assert(!lb_sticky_cookie_is(fc_span(NULL, 0), &value));
}
END_TEST

START_TEST(value_that_could_not_be_made_is_nobodys)
{
    const lb_sticky_cookie_t none = { "" };
    char zeros[LB_STICKY_COOKIE_CHARS] = "";

    ck_assert(!lb_sticky_cookie_is(fc_span(zeros, sizeof(zeros)), &none));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sticky_cookie");
    TCase *tc = tcase_create("sticky_cookie");
    tcase_add_test(tc, value_is_what_other_servers_of_this_version_make);
    tcase_add_test(tc, value_is_22_characters_of_base64url);
    tcase_add_test(tc, same_member_has_the_same_value_each_time);
    tcase_add_test(tc, key_balancer_socket_and_url_all_count);
    tcase_add_test(tc, borders_between_the_parts_cannot_be_moved);
    tcase_add_test(tc, zero_bytes_in_a_key_count);
    tcase_add_test(tc, every_changed_character_makes_it_nobodys);
    tcase_add_test(tc, other_lengths_are_nobodys);
    tcase_add_test(tc, value_that_could_not_be_made_is_nobodys);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
