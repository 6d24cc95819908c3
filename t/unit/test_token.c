/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_token.c - tokens are good for one user and one key, for twelve hours, as they were made. */
#include <check.h>
#include <string.h>

#include "run_suite.h"
#include "token.h"
#include "run_suite.h"

static const unsigned char key[MGR_TOKEN_KEY_BYTES] = "0123456789abcdef0123456789abcde";
static const uint32_t now = 1700000000;

static const char *made(const char *user)
{
    static char token[MGR_TOKEN_CHARS + 1];
    mgr_token_make(key, user, now, token);
    return token;
}

START_TEST(a_token_is_good_for_twelve_hours)
{
    const char *token = made("alice");

    ck_assert_int_eq(mgr_token_judge(key, "alice", now, token), MGR_TOKEN_GOOD);
    ck_assert_int_eq(mgr_token_judge(key, "alice", now + 12 * 3600, token), MGR_TOKEN_GOOD);
    ck_assert_int_eq(mgr_token_judge(key, "alice", now + 12 * 3600 + 1, token), MGR_TOKEN_EXPIRED);
    ck_assert_int_eq(mgr_token_judge(key, "alice", now - 1, token), MGR_TOKEN_EXPIRED);
}
END_TEST

START_TEST(a_token_is_one_users)
{
    ck_assert_int_eq(mgr_token_judge(key, "bob", now, made("alice")), MGR_TOKEN_FORGED);
    ck_assert_int_eq(mgr_token_judge(key, "", now, made("alice")), MGR_TOKEN_FORGED);
    ck_assert_int_eq(mgr_token_judge(key, "-", now, made("")), MGR_TOKEN_FORGED);
}
END_TEST

START_TEST(another_key_makes_another_token)
{
    unsigned char other[MGR_TOKEN_KEY_BYTES];

    memcpy(other, key, sizeof(other));
    other[MGR_TOKEN_KEY_BYTES - 1] ^= 1;
    ck_assert_int_eq(mgr_token_judge(other, "alice", now, made("alice")), MGR_TOKEN_FORGED);
}
END_TEST

START_TEST(no_digit_can_be_changed)
{
    char token[MGR_TOKEN_CHARS + 1];

    for (int i = 0; i < MGR_TOKEN_CHARS; i++) {
        memcpy(token, made("alice"), sizeof(token));
        token[i] = token[i] == '0' ? '1' : '0';
        ck_assert_int_eq(mgr_token_judge(key, "alice", now, token),
                         i == 8 ? MGR_TOKEN_NONE : MGR_TOKEN_FORGED);
    }
}
END_TEST

START_TEST(what_is_no_token_is_told_apart)
{
    static const char *const others[] = {
        "",
        "x",
        "6553f100-",
        "6553F100-0123456789abcdef0123456789abcdef",
        "6553f100-0123456789abcdef0123456789abcdef0",
        "6553f1000-123456789abcdef0123456789abcdef",
    };

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        ck_assert_int_eq(mgr_token_judge(key, "alice", now, others[i]), MGR_TOKEN_NONE);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("token");
    TCase *t = tcase_create("tokens");

    tcase_add_test(t, a_token_is_good_for_twelve_hours);
    tcase_add_test(t, a_token_is_one_users);
    tcase_add_test(t, another_key_makes_another_token);
    tcase_add_test(t, no_digit_can_be_changed);
    tcase_add_test(t, what_is_no_token_is_told_apart);
    suite_add_tcase(suite, t);
    return run_suite(suite);
}
