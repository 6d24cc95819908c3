/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_cookie_attributes.c - words of BalancerStickyCookie. */
#include <check.h>
#include <string.h>

#include "cookie_attributes.h"
#include "run_suite.h"

#define WORDS_MAX 8

/* Take all words, NULL at their end.
 * returns  what is wrong with the first wrong one, or with all together */
static const char *take(lb_cookie_attributes_t *cookie, const char *name, const char *const *words)
{
    *cookie = (lb_cookie_attributes_t){ .name = name };
    for (; *words; words++) {
        const char *wrong = lb_cookie_attributes_take(cookie, *words);
        if (wrong) {
            return wrong;
        }
    }
    return lb_cookie_attributes_check(cookie);
}

#define WORDS(...) ((const char *const[WORDS_MAX]){ __VA_ARGS__ })

static void assert_text(const char *const *words, const char *expected)
{
    lb_cookie_attributes_t cookie;
    char text[200];

    ck_assert_ptr_null(take(&cookie, "SID", words));
    const int bytes = lb_cookie_attributes_write(&cookie, text, sizeof(text));
    ck_assert_str_eq(text, expected);
    ck_assert_int_eq(bytes, (int)strlen(expected));
    ck_assert_int_eq(lb_cookie_attributes_write(&cookie, NULL, 0), bytes);
}

static void assert_wrong(const char *name, const char *const *words)
{
    lb_cookie_attributes_t cookie;
    if (!take(&cookie, name, words)) {
        ck_abort_msg("%s %s was taken", name, words[0] ? words[0] : "");
    }
}

static void assert_right(const char *name, const char *const *words)
{
    lb_cookie_attributes_t cookie;
    const char *wrong = take(&cookie, name, words);
    if (wrong) {
        ck_abort_msg("%s %s was refused: %s", name, words[0] ? words[0] : "", wrong);
    }
}

START_TEST(without_words_the_path_is_all_of_the_host)
{
    assert_text(WORDS(NULL), "; Path=/");
}
END_TEST

START_TEST(each_word_is_an_attribute)
{
    assert_text(WORDS("secure"), "; Path=/; Secure");
    assert_text(WORDS("httponly"), "; Path=/; HttpOnly");
    assert_text(WORDS("samesite=Lax"), "; Path=/; SameSite=Lax");
    assert_text(WORDS("path=/app"), "; Path=/app");
    assert_text(WORDS("domain=example.com"), "; Path=/; Domain=example.com");
    assert_text(WORDS("maxage=30m"), "; Path=/; Max-Age=1800");
}
END_TEST

START_TEST(all_words_together_in_any_order_and_case)
{
    static const char all[] = "; Path=/a b; Domain=.example.com; Max-Age=60; Secure; HttpOnly; "
                              "SameSite=None";

    assert_text(WORDS("secure", "httponly", "samesite=none", "path=/a b", "domain=.example.com",
                      "maxage=60"),
                all);
    assert_text(WORDS("MaxAge=60", "Domain=.example.com", "Path=/a b", "SameSite=NONE", "HttpOnly",
                      "Secure"),
                all);
}
END_TEST

START_TEST(largest_max_age_is_written)
{
    assert_text(WORDS("maxage=9223372036854"), "; Path=/; Max-Age=9223372036854");
}
END_TEST

START_TEST(unknown_and_half_words_are_wrong)
{
    static const char *const words[] = { "", "secured", "secure=1", "http-only", "samesite", "path",
                                         "expires=1", "=", "samesite=", "samesite=Laxer", "path=",
                                         "path=app", "domain=", "domain=a;b", "domain=a b",
                                         "maxage=", "maxage=0", "maxage=999ms", "maxage=1d",
                                         "maxage=-1", "maxage=soon" };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        assert_wrong("SID", WORDS(words[i]));
    }
}
END_TEST

START_TEST(nothing_can_be_smuggled_into_the_header)
{
    assert_wrong("SID", WORDS("path=/;Secure"));
    assert_wrong("SID", WORDS("path=/\r\nX: y"));
    assert_wrong("SID", WORDS("path=/\x7f"));
    assert_wrong("SID", WORDS("domain=a\nb"));
    assert_wrong("S=D", WORDS(NULL));
    assert_wrong("S;D", WORDS(NULL));
    assert_wrong("S D", WORDS(NULL));
    assert_wrong("S\nD", WORDS(NULL));
    assert_wrong("S\"", WORDS(NULL));
    assert_wrong("S\xe9", WORDS(NULL));
    assert_wrong("", WORDS(NULL));
    assert_right("S!#$%&'*+-.^_`|~9", WORDS(NULL));
}
END_TEST

START_TEST(cookies_that_browsers_refuse_are_refused_first)
{
    assert_wrong("SID", WORDS("samesite=None"));
    assert_right("SID", WORDS("samesite=None", "secure"));
    assert_right("SID", WORDS("samesite=Strict"));
    assert_wrong("__Secure-SID", WORDS(NULL));
    assert_right("__Secure-SID", WORDS("secure", "domain=a.test", "path=/app"));
    assert_wrong("__Host-SID", WORDS(NULL));
    assert_right("__Host-SID", WORDS("secure"));
    assert_right("__Host-SID", WORDS("secure", "path=/"));
    assert_wrong("__Host-SID", WORDS("secure", "path=/app"));
    assert_wrong("__host-SID", WORDS("secure", "domain=a.test"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cookie_attributes");
    TCase *tc = tcase_create("cookie_attributes");
    tcase_add_test(tc, without_words_the_path_is_all_of_the_host);
    tcase_add_test(tc, each_word_is_an_attribute);
    tcase_add_test(tc, all_words_together_in_any_order_and_case);
    tcase_add_test(tc, largest_max_age_is_written);
    tcase_add_test(tc, unknown_and_half_words_are_wrong);
    tcase_add_test(tc, nothing_can_be_smuggled_into_the_header);
    tcase_add_test(tc, cookies_that_browsers_refuse_are_refused_first);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
