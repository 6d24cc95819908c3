/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_span.c - bytes that are compared, trimmed and taken apart. */
#include <check.h>

#include "run_suite.h"
#include "span.h"

static void assert_is(fc_span_t s, const char *wanted)
{
    ck_assert_uint_eq(s.bytes, strlen(wanted));
    ck_assert_mem_eq(s.at, wanted, s.bytes);
}

START_TEST(same_word_in_another_case)
{
    ck_assert(fc_span_is_text(fc_span_of("Content-TYPE"), "content-type"));
    ck_assert(!fc_span_is_text(fc_span_of("Content-Type"), "Content-Typ"));
    ck_assert(!fc_span_is_text(fc_span_of("a-b"), "a_b"));
    ck_assert(fc_span_is(fc_span("ab:", 2), fc_span_of("AB")));
    ck_assert(fc_span_is_text(fc_span("", 0), ""));
}
END_TEST

START_TEST(blanks_go_at_both_ends_and_stay_inside)
{
    assert_is(fc_span_trim(fc_span_of(" \t a \t b\t ")), "a \t b");
    assert_is(fc_span_trim(fc_span_of("a")), "a");
    assert_is(fc_span_trim(fc_span_of(" \t ")), "");
    assert_is(fc_span_trim(fc_span_of("")), "");
}
END_TEST

START_TEST(nul_and_line_ends_are_no_blanks)
{
    ck_assert_uint_eq(fc_span_trim(fc_span("\0a\0", 3)).bytes, 3);
    assert_is(fc_span_trim(fc_span_of("\ra\n")), "\ra\n");
}
END_TEST

START_TEST(pieces_are_taken_one_after_the_other)
{
    fc_span_t rest = fc_span_of("a , b,,c");

    assert_is(fc_span_take(&rest, ','), "a");
    assert_is(fc_span_take(&rest, ','), "b");
    assert_is(fc_span_take(&rest, ','), "");
    assert_is(fc_span_take(&rest, ','), "c");
    ck_assert_uint_eq(rest.bytes, 0);
    ck_assert_uint_eq(fc_span_take(&rest, ',').bytes, 0);
}
END_TEST

START_TEST(nothing_can_be_taken_of_nothing)
{
    fc_span_t rest = fc_span(NULL, 0);

    ck_assert_uint_eq(fc_span_take(&rest, ',').bytes, 0);
    ck_assert_uint_eq(rest.bytes, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("span");
    TCase *tc = tcase_create("all");

    tcase_add_test(tc, same_word_in_another_case);
    tcase_add_test(tc, blanks_go_at_both_ends_and_stay_inside);
    tcase_add_test(tc, nul_and_line_ends_are_no_blanks);
    tcase_add_test(tc, pieces_are_taken_one_after_the_other);
    tcase_add_test(tc, nothing_can_be_taken_of_nothing);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
