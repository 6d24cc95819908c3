/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_sticky.c - routes in URLs and cookies. */
#include <check.h>
#include <string.h>

#include "sticky.h"
#include "run_suite.h"

/* NULL: nothing must be found. Else what is found lies in `in`. */
static void assert_found(fc_span_t found, const char *in, const char *expected)
{
    if (!expected) {
        if (found.at) {
            ck_abort_msg("in \"%s\" was found \"%.*s\"", in, (int)found.bytes, found.at);
        }
        ck_assert_uint_eq(found.bytes, 0);
        return;
    }
    if (!found.at || found.bytes != strlen(expected)
        || memcmp(found.at, expected, found.bytes) != 0) {
        ck_abort_msg("in \"%s\" was found \"%.*s\", not \"%s\"", in, (int)found.bytes,
                     found.at ? (const char *)found.at : "", expected);
    }
    ck_assert((const char *)found.at >= in
              && (const char *)found.at + found.bytes <= in + strlen(in));
}

static void assert_in_url(const char *url, const char *expected)
{
    assert_found(lb_sticky_in_url(url, "sid", false), url, expected);
}

static void assert_in_url_with_semicolons(const char *url, const char *expected)
{
    assert_found(lb_sticky_in_url(url, "sid", true), url, expected);
}

static void assert_in_cookies(const char *cookies, const char *expected)
{
    assert_found(lb_sticky_in_cookies(cookies, "sid"), cookies, expected);
}

/* ---- URLs ------------------------------------------------------------------------------------ */

START_TEST(parameter_behind_each_delimiter_is_found)
{
    assert_in_url("/a;sid=1.r1", "1.r1");
    assert_in_url("/a?sid=1.r1", "1.r1");
    assert_in_url("/a?x=y&sid=1.r1", "1.r1");
    assert_in_url("?sid=1.r1", "1.r1");
}
END_TEST

START_TEST(value_ends_at_the_next_parameter)
{
    assert_in_url("/a?sid=1.r1&x=y", "1.r1");
    assert_in_url("/a;sid=1.r1?x=y", "1.r1");
    assert_in_url("/a;sid=1.r1&x=y", "1.r1");
}
END_TEST

START_TEST(semicolon_ends_a_value_only_when_it_is_told_to)
{
    assert_in_url("/a;sid=1.r1;x=y", "1.r1;x=y");
    assert_in_url_with_semicolons("/a;sid=1.r1;x=y", "1.r1");
    assert_in_url_with_semicolons("/a;sid=1.r1?x=y", "1.r1");
    assert_in_url_with_semicolons("/a;sid=1.r1", "1.r1");
}
END_TEST

START_TEST(semicolon_starts_a_parameter_in_either_case)
{
    assert_in_url("/a;x=y;sid=1.r1", "1.r1");
    assert_in_url_with_semicolons("/a;x=y;sid=1.r1", "1.r1");
}
END_TEST

START_TEST(end_of_another_name_is_not_the_name)
{
    assert_in_url("/a?mysid=1.r1", NULL);
    assert_in_url("/a?my-sid=1.r1", NULL);
    assert_in_url("/sid=1.r1", NULL);
    assert_in_url("/a?mysid=1.r1&sid=2.r2", "2.r2");
    assert_in_url("/a?sidsid=1.r1&sid=2.r2", "2.r2");
}
END_TEST

START_TEST(start_of_another_name_is_not_the_name)
{
    assert_in_url("/a?side=1.r1", NULL);
    assert_in_url("/a?side=1.r1&sid=2.r2", "2.r2");
    assert_in_url("/a?sid&x=y", NULL);
    assert_in_url("/a?sid", NULL);
}
END_TEST

START_TEST(name_in_a_value_or_a_path_is_not_the_name)
{
    assert_in_url("/sid/a?x=sid", NULL);
    assert_in_url("/sid/a?x=sid=5", NULL);
    assert_in_url("/sid/a?x=sid&sid=2.r2", "2.r2");
}
END_TEST

START_TEST(name_at_the_very_start_is_no_parameter)
{
    assert_in_url("sid=1.r1", NULL);
}
END_TEST

START_TEST(names_in_urls_are_told_apart_by_case)
{
    assert_in_url("/a?SID=1.r1", NULL);
}
END_TEST

START_TEST(first_parameter_of_the_name_counts)
{
    assert_in_url("/a?sid=1.r1&sid=2.r2", "1.r1");
    assert_in_url("/a;sid=1.r1?sid=2.r2", "1.r1");
}
END_TEST

START_TEST(empty_parameter_is_nothing)
{
    assert_in_url("/a?sid=", NULL);
    assert_in_url("/a?sid=&x=y", NULL);
    assert_in_url("/a;sid=?x=y", NULL);
    assert_in_url_with_semicolons("/a;sid=;x=y", NULL);
    assert_in_url("/a?sid=&sid=2.r2", NULL);    /* the first counts */
}
END_TEST

START_TEST(url_without_parameters_holds_nothing)
{
    assert_in_url("", NULL);
    assert_in_url("/", NULL);
    assert_in_url("/a?", NULL);
    assert_in_url("/a?&;", NULL);
}
END_TEST

START_TEST(empty_name_finds_nothing)
{
    const char *url = "/a?=1.r1;=1.r1", *cookies = "=1.r1; =1.r1";
    assert_found(lb_sticky_in_url(url, "", false), url, NULL);
    assert_found(lb_sticky_in_cookies(cookies, ""), cookies, NULL);
}
END_TEST

START_TEST(equals_signs_and_percents_belong_to_the_value)
{
    assert_in_url("/a?sid=x==.r1&x=y", "x==.r1");
    assert_in_url("/a?sid=a%26b%3b.r1", "a%26b%3b.r1");
}
END_TEST

/* A request target has no fragment (RFC 9112, 3.2); '#' gets no meaning here. */
START_TEST(fragment_is_not_cut_off_because_no_client_sends_one)
{
    assert_in_url("/a?sid=1.r1#top", "1.r1#top");
    assert_in_url("/a#sid=1.r1", NULL);
}
END_TEST

/* ---- Cookies --------------------------------------------------------------------------------- */

START_TEST(cookie_is_found_at_any_place)
{
    assert_in_cookies("sid=1.r1", "1.r1");
    assert_in_cookies("sid=1.r1; a=b", "1.r1");
    assert_in_cookies("a=b; sid=1.r1", "1.r1");
    assert_in_cookies("a=b; sid=1.r1; c=d", "1.r1");
}
END_TEST

START_TEST(first_cookie_of_the_name_counts)
{
    assert_in_cookies("sid=1.r1; sid=2.r2", "1.r1");
}
END_TEST

START_TEST(spaces_between_cookies_may_be_missing_or_many)
{
    assert_in_cookies("a=b;sid=1.r1;c=d", "1.r1");
    assert_in_cookies("a=b; \t  sid=1.r1", "1.r1");
    assert_in_cookies("  sid=1.r1", "1.r1");
    assert_in_cookies(";; ;sid=1.r1", "1.r1");
}
END_TEST

START_TEST(spaces_before_the_equals_sign_are_passed_over)
{
    assert_in_cookies("sid =1.r1", "1.r1");
    assert_in_cookies("a=b; sid \t=1.r1", "1.r1");
}
END_TEST

START_TEST(spaces_and_quotes_in_a_value_are_kept)
{
    assert_in_cookies("sid=\"1.r1\"", "\"1.r1\"");
    assert_in_cookies("sid=1 r1; a=b", "1 r1");
    assert_in_cookies("sid= 1.r1", " 1.r1");
}
END_TEST

START_TEST(commas_separate_cookies_too)
{
    assert_in_cookies("a=b,sid=1.r1,c=d", "1.r1");
    assert_in_cookies("a=b, sid=1.r1", "1.r1");
}
END_TEST

START_TEST(cookie_with_a_longer_name_is_another_cookie)
{
    assert_in_cookies("side=1.r1", NULL);
    assert_in_cookies("mysid=1.r1", NULL);
    assert_in_cookies("side=1.r1; mysid=2.r2; sid=3.r3", "3.r3");
    assert_in_cookies("sidsid=1.r1", NULL);
}
END_TEST

START_TEST(name_in_the_value_of_a_cookie_is_not_the_name)
{
    assert_in_cookies("a=sid=1.r1", NULL);
    assert_in_cookies("a=sid; sid=2.r2", "2.r2");
    assert_in_cookies("a=x sid=1.r1", NULL);
}
END_TEST

START_TEST(names_of_cookies_are_told_apart_by_case)
{
    assert_in_cookies("SID=1.r1", NULL);
}
END_TEST

START_TEST(empty_cookie_is_nothing)
{
    assert_in_cookies("sid=", NULL);
    assert_in_cookies("sid=; a=b", NULL);
    assert_in_cookies("sid=,a=b", NULL);
    assert_in_cookies("sid=; sid=2.r2", NULL);    /* the first counts */
}
END_TEST

START_TEST(cookie_without_equals_sign_is_nothing)
{
    assert_in_cookies("sid", NULL);
    assert_in_cookies("sid; a=b", NULL);
    assert_in_cookies("sid ; =b", NULL);    /* the sign of another pair */
    assert_in_cookies("sid; sid=2.r2", "2.r2");
}
END_TEST

START_TEST(header_without_cookies_holds_nothing)
{
    assert_in_cookies("", NULL);
    assert_in_cookies(" ", NULL);
    assert_in_cookies(";", NULL);
    assert_in_cookies("; , \t", NULL);
    assert_in_cookies("=", NULL);
}
END_TEST

START_TEST(equals_signs_belong_to_the_value_of_a_cookie)
{
    assert_in_cookies("sid=x==.r1; a=b", "x==.r1");
    assert_in_cookies("sid==", "=");
}
END_TEST

/* ---- Routes ---------------------------------------------------------------------------------- */

static void assert_route(const char *value, char separator, const char *expected)
{
    assert_found(lb_sticky_route(fc_span_of(value), separator), value, expected);
}

START_TEST(route_is_what_follows_the_first_separator)
{
    assert_route("abc.r1", '.', "r1");
    assert_route("abc.r1.east", '.', "r1.east");
    assert_route(".r1", '.', "r1");
    assert_route("..r1", '.', ".r1");
}
END_TEST

START_TEST(other_separators_are_possible)
{
    assert_route("abc.def-r1", '-', "r1");
    assert_route("abc\xa7r1", '\xa7', "r1");
}
END_TEST

START_TEST(without_separator_there_is_no_route)
{
    assert_route("r1", '.', NULL);
    assert_route("abc-r1", '.', NULL);
}
END_TEST

START_TEST(nothing_behind_the_separator_is_no_route)
{
    assert_route("abc.", '.', NULL);
    assert_route(".", '.', NULL);
}
END_TEST

START_TEST(whole_value_is_the_route_when_separators_are_off)
{
    assert_route("r1", 0, "r1");
    assert_route("abc.r1", 0, "abc.r1");
}
END_TEST

START_TEST(no_value_has_no_route)
{
    ck_assert_ptr_null(lb_sticky_route(fc_span(NULL, 0), '.').at);
    ck_assert_ptr_null(lb_sticky_route(fc_span(NULL, 0), 0).at);
}
END_TEST

START_TEST(separator_behind_the_end_of_the_value_is_not_seen)
{
    ck_assert_ptr_null(lb_sticky_route(fc_span("abc.r1", 3), '.').at);
}
END_TEST

static TCase *urls(void)
{
    TCase *tc = tcase_create("urls");
    tcase_add_test(tc, parameter_behind_each_delimiter_is_found);
    tcase_add_test(tc, value_ends_at_the_next_parameter);
    tcase_add_test(tc, semicolon_ends_a_value_only_when_it_is_told_to);
    tcase_add_test(tc, semicolon_starts_a_parameter_in_either_case);
    tcase_add_test(tc, end_of_another_name_is_not_the_name);
    tcase_add_test(tc, start_of_another_name_is_not_the_name);
    tcase_add_test(tc, name_in_a_value_or_a_path_is_not_the_name);
    tcase_add_test(tc, name_at_the_very_start_is_no_parameter);
    tcase_add_test(tc, names_in_urls_are_told_apart_by_case);
    tcase_add_test(tc, first_parameter_of_the_name_counts);
    tcase_add_test(tc, empty_parameter_is_nothing);
    tcase_add_test(tc, url_without_parameters_holds_nothing);
    tcase_add_test(tc, empty_name_finds_nothing);
    tcase_add_test(tc, equals_signs_and_percents_belong_to_the_value);
    tcase_add_test(tc, fragment_is_not_cut_off_because_no_client_sends_one);
    return tc;
}

static TCase *cookies_and_routes(void)
{
    TCase *tc = tcase_create("cookies and routes");
    tcase_add_test(tc, cookie_is_found_at_any_place);
    tcase_add_test(tc, first_cookie_of_the_name_counts);
    tcase_add_test(tc, spaces_between_cookies_may_be_missing_or_many);
    tcase_add_test(tc, spaces_before_the_equals_sign_are_passed_over);
    tcase_add_test(tc, spaces_and_quotes_in_a_value_are_kept);
    tcase_add_test(tc, commas_separate_cookies_too);
    tcase_add_test(tc, cookie_with_a_longer_name_is_another_cookie);
    tcase_add_test(tc, name_in_the_value_of_a_cookie_is_not_the_name);
    tcase_add_test(tc, names_of_cookies_are_told_apart_by_case);
    tcase_add_test(tc, empty_cookie_is_nothing);
    tcase_add_test(tc, cookie_without_equals_sign_is_nothing);
    tcase_add_test(tc, header_without_cookies_holds_nothing);
    tcase_add_test(tc, equals_signs_belong_to_the_value_of_a_cookie);
    tcase_add_test(tc, route_is_what_follows_the_first_separator);
    tcase_add_test(tc, other_separators_are_possible);
    tcase_add_test(tc, without_separator_there_is_no_route);
    tcase_add_test(tc, nothing_behind_the_separator_is_no_route);
    tcase_add_test(tc, whole_value_is_the_route_when_separators_are_off);
    tcase_add_test(tc, no_value_has_no_route);
    tcase_add_test(tc, separator_behind_the_end_of_the_value_is_not_seen);
    return tc;
}

int main(void)
{
    Suite *suite = suite_create("sticky");
    suite_add_tcase(suite, urls());
    suite_add_tcase(suite, cookies_and_routes());
    return run_suite(suite);
}
