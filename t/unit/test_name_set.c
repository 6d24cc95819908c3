/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_name_set.c - names go in once, whatever their case, until the set is full. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "name_set.h"
#include "run_suite.h"

static fcgi_name_set_t set;

static bool adds(const char *text)
{
    return fcgi_name_set_add(&set, fc_span_of(text));
}

static bool has(const char *text)
{
    return fcgi_name_set_has(&set, fc_span_of(text));
}

START_TEST(a_name_goes_in_once)
{
    fcgi_name_set_init(&set);
    ck_assert(!has("PATH"));
    ck_assert(adds("PATH"));
    ck_assert(has("PATH"));
    ck_assert(!adds("PATH"));
    ck_assert(adds("PATH_INFO"));
    ck_assert(!has("PAT"));
}
END_TEST

START_TEST(letters_of_either_case_are_the_same)
{
    fcgi_name_set_init(&set);
    ck_assert(adds("Remote_Addr"));
    ck_assert(has("REMOTE_ADDR"));
    ck_assert(!adds("remote_addr"));
}
END_TEST

START_TEST(an_empty_name_is_a_name)
{
    fcgi_name_set_init(&set);
    ck_assert(!has(""));
    ck_assert(adds(""));
    ck_assert(!adds(""));
    ck_assert(has(""));
}
END_TEST

/* All of one length, with the same last and middle letter: they begin at one slot. */
START_TEST(names_that_meet_at_one_slot_are_told_apart)
{
    char names[26][8];

    fcgi_name_set_init(&set);
    for (int i = 0; i < 26; i++) {
        snprintf(names[i], sizeof(names[i]), "%c_MM_M", 'A' + i);
        ck_assert(!has(names[i]));
        ck_assert(adds(names[i]));
    }
    for (int i = 0; i < 26; i++) {
        ck_assert(has(names[i]));
        ck_assert(!adds(names[i]));
    }
}
END_TEST

START_TEST(a_full_set_takes_no_more_and_still_answers)
{
    char names[FCGI_NAME_SET_MAX][16];

    fcgi_name_set_init(&set);
    for (int i = 0; i < FCGI_NAME_SET_MAX; i++) {
        snprintf(names[i], sizeof(names[i]), "NAME_%d", i);
        ck_assert(adds(names[i]));
    }
    ck_assert(!adds("ONE_MORE"));
    ck_assert(!has("ONE_MORE"));
    ck_assert(has("NAME_0"));
    ck_assert(has("NAME_127"));
    fcgi_name_set_init(&set);
    ck_assert(!has("NAME_0"));
    ck_assert(adds("ONE_MORE"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("name_set");
    TCase *tc = tcase_create("name_set");
    tcase_add_test(tc, a_name_goes_in_once);
    tcase_add_test(tc, letters_of_either_case_are_the_same);
    tcase_add_test(tc, an_empty_name_is_a_name);
    tcase_add_test(tc, names_that_meet_at_one_slot_are_told_apart);
    tcase_add_test(tc, a_full_set_takes_no_more_and_still_answers);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
