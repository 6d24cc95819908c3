/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_utf8.c - what is UTF-8 stays as it is; a byte that belongs to no character is replaced. */
#include <check.h>
#include <string.h>

#include "apr_general.h"
#include "run_suite.h"
#include "utf8.h"

#define R "\xEF\xBF\xBD"    /* the replacement, U+FFFD */

static apr_pool_t *p;

static void begin(void)
{
    apr_initialize();
    apr_pool_create(&p, NULL);
}

static void end(void)
{
    apr_pool_destroy(p);
    apr_terminate();
}

static const char *const right[] = {
    "",
    "fcgi://127.0.0.1:9000",
    "\t\r\n",
    " ~",
    "\xC2\x80",
    "\xDF\xBF",
    "\xE0\xA0\x80",
    "\xED\x9F\xBF" /* before the surrogates */,
    "\xEE\x80\x80" /* behind them */,
    R,
    "\xF0\x90\x80\x80",
    "\xF4\x8F\xBF\xBF" /* U+10FFFF */,
    "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x90\x98z",
};

static const struct {
    const char *text, *mended;
} wrong[] = {
    /* control characters */
    { "\x01", R },
    { "a\x1Fz", "a" R "z" },
    { "\x7F", R },
    { "\x1B[2J", R "[2J" },
    /* a continuation without a start, and a start without its continuation */
    { "\x80", R },
    { "\xBF\xBF", R R },
    { "\xC3", R },
    { "\xC3(", R "(" },
    { "\xE2\x82", R R },
    { "\xE2\x82z", R R "z" },
    { "\xF0\x9F\x90", R R R },
    { "\xF0\x9F\x90z", R R R "z" },
    { "\xE2", R },
    { "\xF0\x9F", R R },
    /* longer than need be: "/", U+007F, U+07FF, U+FFFF */
    { "\xC0\xAF", R R },
    { "\xC1\xBF", R R },
    { "\xE0\x9F\xBF", R R R },
    { "\xF0\x8F\xBF\xBF", R R R R },
    { "\xE0\x80\xAF", R R R },
    { "\xC0\x80", R R },
    /* surrogates */
    { "\xED\xA0\x80", R R R },
    { "\xED\xBF\xBF", R R R },
    { "\xED\xA0\xBD\xED\xB0\x80", R R R R R R },
    /* beyond U+10FFFF, and starts that there are not */
    { "\xF4\x90\x80\x80", R R R R },
    { "\xF5\x80\x80\x80", R R R R },
    { "\xFE", R },
    { "\xFF", R },
    /* no characters for XML */
    { "\xEF\xBF\xBE", R R R },
    { "\xEF\xBF\xBF", R R R },
    /* what is right beside it stays */
    { "\xC3\xA4\xFF\xE2\x82\xAC", "\xC3\xA4" R "\xE2\x82\xAC" },
    { "\xFF"
      "ok",
      R "ok" },
    { "ISO \xE4\xF6\xFC", "ISO " R R R },
};

START_TEST(what_is_right_is_not_even_copied)
{
    ck_assert_ptr_eq(mgr_utf8_mend(p, right[_i]), right[_i]);
}
END_TEST

START_TEST(each_wrong_byte_is_replaced)
{
    ck_assert_str_eq(mgr_utf8_mend(p, wrong[_i].text), wrong[_i].mended);
}
END_TEST

START_TEST(what_is_mended_is_right)
{
    const char *mended = mgr_utf8_mend(p, wrong[_i].text);

    ck_assert_ptr_eq(mgr_utf8_mend(p, mended), mended);
}
END_TEST

START_TEST(no_text_stays_no_text)
{
    ck_assert_ptr_null(mgr_utf8_mend(p, NULL));
    ck_assert_str_eq(mgr_utf8_line(p, NULL), "");
}
END_TEST

START_TEST(a_line_has_neither_breaks_nor_what_speaks_to_a_terminal)
{
    ck_assert_str_eq(mgr_utf8_line(p, "a\nb\tc\r"), "a b c ");
    ck_assert_str_eq(mgr_utf8_line(p, "\xC2\x9B[2J"), "  [2J");     /* CSI as one character */
    ck_assert_str_eq(mgr_utf8_line(p, "\xC2\x80\xC2\x9F\xC2\xA0"), "    \xC2\xA0");
    ck_assert_str_eq(mgr_utf8_line(p, "\x1B[2J"), R "[2J");
    ck_assert_str_eq(mgr_utf8_line(p, "\xC3\x9B"), "\xC3\x9B");
}
END_TEST

START_TEST(a_line_is_a_copy)
{
    char text[] = "a\nb";

    ck_assert_ptr_ne(mgr_utf8_line(p, text), text);
    ck_assert_str_eq(text, "a\nb");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("utf8");
    TCase *t = tcase_create("texts");

    tcase_add_checked_fixture(t, begin, end);
    tcase_add_loop_test(t, what_is_right_is_not_even_copied, 0, COUNT(right));
    tcase_add_loop_test(t, each_wrong_byte_is_replaced, 0, COUNT(wrong));
    tcase_add_loop_test(t, what_is_mended_is_right, 0, COUNT(wrong));
    tcase_add_test(t, no_text_stays_no_text);
    tcase_add_test(t, a_line_has_neither_breaks_nor_what_speaks_to_a_terminal);
    tcase_add_test(t, a_line_is_a_copy);
    suite_add_tcase(suite, t);
    return run_suite(suite);
}
