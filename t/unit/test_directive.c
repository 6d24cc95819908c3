/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_directive.c - sizes, with and without units. */
#include <check.h>
#include <string.h>

#include "directive.h"
#include "run_suite.h"

#define UNTOUCHED (-4711)

static void assert_size(const char *text, int64_t expected)
{
    int64_t bytes = UNTOUCHED;
    if (!fc_directive_size(text, &bytes) || bytes != expected) {
        ck_abort_msg("\"%s\" was read as %lld, not %lld", text, (long long)bytes,
                     (long long)expected);
    }
}

static void assert_no_size(const char *text)
{
    int64_t bytes = UNTOUCHED;
    if (fc_directive_size(text, &bytes) || bytes != UNTOUCHED) {
        ck_abort_msg("\"%s\" was read as %lld", text, (long long)bytes);
    }
}

START_TEST(digits_alone_are_bytes)
{
    assert_size("0", 0);
    assert_size("1", 1);
    assert_size("8192", 8192);
    assert_size("9223372036854775807", INT64_MAX);
}
END_TEST

START_TEST(leading_zeros_do_not_make_it_octal)
{
    assert_size("00", 0);
    assert_size("010", 10);
    assert_size("0000000000000000000000000000000000000000000000001k", 1024);
    assert_size("08", 8);
}
END_TEST

START_TEST(units_are_powers_of_1024_in_either_case)
{
    assert_size("1K", 1024);
    assert_size("1k", 1024);
    assert_size("3M", 3 * 1048576);
    assert_size("3m", 3 * 1048576);
    assert_size("2G", INT64_C(2147483648));
    assert_size("2g", INT64_C(2147483648));
}
END_TEST

START_TEST(nothing_of_a_unit_is_nothing)
{
    assert_size("0K", 0);
    assert_size("0M", 0);
    assert_size("0G", 0);
}
END_TEST

START_TEST(largest_number_of_each_unit_is_read_and_the_next_is_not)
{
    assert_size("9007199254740991K", INT64_MAX - 1023);
    assert_no_size("9007199254740992K");
    assert_size("8796093022207M", INT64_MAX - 1048575);
    assert_no_size("8796093022208M");
    assert_size("8589934591G", INT64_MAX - 1073741823);
    assert_no_size("8589934592G");
    assert_no_size("9223372036854775808");
}
END_TEST

START_TEST(sizes_over_the_limit_are_no_sizes)
{
    assert_no_size("18446744073709551616");    /* 2^64: would wrap to 0 */
    assert_no_size("18446744073709551617");
    assert_no_size("9223372036854775807K");
    assert_no_size("18014398509481984K");      /* 2^54 K: would wrap to 0 */
    assert_no_size("99999999999999999999G");
}
END_TEST

START_TEST(very_many_digits_are_no_size)
{
    char text[100001];
    memset(text, '9', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_no_size(text);
    text[sizeof(text) - 2] = 'K';
    assert_no_size(text);
    memset(text, '0', sizeof(text) - 2);
    assert_size(text, 0);
}
END_TEST

START_TEST(signs_are_no_sizes)
{
    assert_no_size("-1");
    assert_no_size("-0");
    assert_no_size("+1");
    assert_no_size("-");
    assert_no_size("-1K");
    assert_no_size("-18446744073709551615");    /* would wrap to 1 */
}
END_TEST

START_TEST(blanks_are_no_part_of_a_size)
{
    assert_no_size("");
    assert_no_size(" ");
    assert_no_size(" 1");
    assert_no_size("\t1");
    assert_no_size("\n1");
    assert_no_size("1 ");
    assert_no_size("1 K");
    assert_no_size("1K ");
}
END_TEST

START_TEST(unit_without_a_number_is_no_size)
{
    assert_no_size("K");
    assert_no_size("m");
    assert_no_size("G");
}
END_TEST

START_TEST(other_units_are_no_sizes)
{
    assert_no_size("1B");
    assert_no_size("1T");
    assert_no_size("1KB");
    assert_no_size("1KiB");
    assert_no_size("1KK");
    assert_no_size("1kM");
    assert_no_size("1%");
    assert_no_size("1s");
}
END_TEST

START_TEST(junk_is_no_size)
{
    assert_no_size("abc");
    assert_no_size("0x10");
    assert_no_size("1e3");
    assert_no_size("1.5M");
    assert_no_size("1,000");
    assert_no_size("1_000");
    assert_no_size("unlimited");
    assert_no_size("1\xc2\xa0K");
    assert_no_size("\xd9\xa1");    /* a digit, but not one of ours */
}
END_TEST

START_TEST(every_single_character_but_a_digit_is_no_size)
{
    for (int c = 1; c < 256; c++) {
        const char text[] = { (char)c, '\0' };
        if (c >= '0' && c <= '9') {
            assert_size(text, c - '0');
        }
        else {
            assert_no_size(text);
        }
    }
}
END_TEST

START_TEST(every_character_behind_a_number_is_a_unit_of_ours_or_wrong)
{
    for (int c = 1; c < 256; c++) {
        const char text[] = { '1', (char)c, '\0' };
        if (!strchr("KkMmGg0123456789", c)) {
            assert_no_size(text);
        }
    }
}
END_TEST

START_TEST(counts_are_whole_numbers_within_their_bounds)
{
    int number = -1;
    ck_assert(fc_directive_count("1", 1, 100, &number));
    ck_assert_int_eq(number, 1);
    ck_assert(fc_directive_count("100", 1, 100, &number));
    ck_assert_int_eq(number, 100);
    static const char *const wrong[] = { "0", "101", "", "-1", "1k", "1.0", "4294967297", " 1" };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ck_assert_msg(!fc_directive_count(wrong[i], 1, 100, &number), "%s", wrong[i]);
    }
    ck_assert_int_eq(number, 100);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("directive");
    TCase *tc = tcase_create("directive");
    tcase_add_test(tc, digits_alone_are_bytes);
    tcase_add_test(tc, leading_zeros_do_not_make_it_octal);
    tcase_add_test(tc, units_are_powers_of_1024_in_either_case);
    tcase_add_test(tc, nothing_of_a_unit_is_nothing);
    tcase_add_test(tc, largest_number_of_each_unit_is_read_and_the_next_is_not);
    tcase_add_test(tc, sizes_over_the_limit_are_no_sizes);
    tcase_add_test(tc, very_many_digits_are_no_size);
    tcase_add_test(tc, signs_are_no_sizes);
    tcase_add_test(tc, blanks_are_no_part_of_a_size);
    tcase_add_test(tc, unit_without_a_number_is_no_size);
    tcase_add_test(tc, other_units_are_no_sizes);
    tcase_add_test(tc, junk_is_no_size);
    tcase_add_test(tc, every_single_character_but_a_digit_is_no_size);
    tcase_add_test(tc, counts_are_whole_numbers_within_their_bounds);
    tcase_add_test(tc, every_character_behind_a_number_is_a_unit_of_ours_or_wrong);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
