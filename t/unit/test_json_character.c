/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_json_character.c - each character as JSON has it, and what is none. */
#include "json_character.h"

#include <string.h>

#include "run_suite.h"

static void becomes(const char *text, size_t takes, const char *expected)
{
    char out[FC_JSON_CHARACTER_MAX];
    size_t seen = 0;
    const size_t bytes = fc_json_character(text, &seen, out);

    ck_assert_msg(seen == takes, "%s takes %zu", expected, seen);
    ck_assert_uint_eq(bytes, strlen(expected));
    ck_assert_mem_eq(out, expected, bytes);
}

START_TEST(a_character_is_escaped_if_it_has_to_be)
{
    becomes("a", 1, "a");
    becomes("\"", 1, "\\\"");
    becomes("\\n", 1, "\\\\");
    becomes("\n", 1, "\\u000a");
    becomes("\t", 1, "\\u0009");
    becomes("\xC3\xA4x", 2, "\xC3\xA4");
    becomes("\xF0\x9F\x90\x98", 4, "\xF0\x9F\x90\x98");
}
END_TEST

START_TEST(what_is_no_character_is_replaced_byte_by_byte)
{
    static const char *const none[] = { "\x01", "\x7F", "\x80", "\xC3", "\xC3(", "\xC0\x80",
                                        "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xFF" };

    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        becomes(none[i], 1, "\xEF\xBF\xBD");
    }
}
END_TEST

START_TEST(most_stand_for_themselves)
{
    ck_assert_uint_eq(fc_json_plain_bytes("/a b?c=d'"), 9);
    ck_assert_uint_eq(fc_json_plain_bytes("ab\"c"), 2);
    ck_assert_uint_eq(fc_json_plain_bytes("ab\\c"), 2);
    ck_assert_uint_eq(fc_json_plain_bytes("\x1F"), 0);
    ck_assert_uint_eq(fc_json_plain_bytes("\x7F"), 0);
    ck_assert_uint_eq(fc_json_plain_bytes("\x80"), 0);
    ck_assert_uint_eq(fc_json_plain_bytes(""), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json_character");
    TCase *tc = tcase_create("characters");

    tcase_add_test(tc, a_character_is_escaped_if_it_has_to_be);
    tcase_add_test(tc, what_is_no_character_is_replaced_byte_by_byte);
    tcase_add_test(tc, most_stand_for_themselves);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
