/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_etag.c - a revision as text and back, and what If-Match says about it. */
#include <check.h>
#include <string.h>

#include "etag.h"
#include "httpd_alone.h"
#include "run_suite.h"

#define OURS UINT64_C(0x00ab12cd34ef5678)

static apr_pool_t *p;
static request_rec r;

static void begin(void)
{
    apr_initialize();
    apr_pool_create(&p, NULL);
    r.pool = p;
    r.headers_in = apr_table_make(p, 1);
    r.headers_out = apr_table_make(p, 1);
}

static void end(void)
{
    apr_pool_destroy(p);
    apr_terminate();
}

static const struct {
    uint64_t revision;
    const char *text;
} revisions[] = {
    { 0, "0000000000000000" },
    { 1, "0000000000000001" },
    { OURS, "00ab12cd34ef5678" },
    { UINT64_C(1) << 63, "8000000000000000" },
    { UINT64_MAX, "ffffffffffffffff" },
};

START_TEST(a_revision_is_sixteen_digits_and_these_are_it)
{
    ck_assert_str_eq(mgr_etag_text(p, revisions[_i].revision), revisions[_i].text);
    ck_assert(mgr_etag_revision(revisions[_i].text) == revisions[_i].revision);
}
END_TEST

static const char *const others[] = {
    "",
    "0",
    "1",
    "00ab12cd34ef567",
    "00ab12cd34ef56788",
    "00AB12CD34EF5678",
    "00ab12cd34ef567g",
    "\"00ab12cd34ef5678\"",
    "00ab12cd34ef567 ",
    " 0ab12cd34ef5678",
    "-0ab12cd34ef5678",
    "0x0b12cd34ef5678",
    "0x00000000000001",
    ("00ab12cd34ef\xC3\xA4"
     "56"),
};

START_TEST(no_other_text_is_a_revision)
{
    ck_assert_msg(mgr_etag_revision(others[_i]) == 0, "%s", others[_i]);
}
END_TEST

START_TEST(the_header_has_quotes)
{
    mgr_etag_send(&r, OURS);
    ck_assert_str_eq(apr_table_get(r.headers_out, "ETag"), "\"00ab12cd34ef5678\"");
}
END_TEST

/* ---- If-Match -------------------------------------------------------------------------------- */

static bool matches(const char *if_match, uint64_t revision, uint64_t *expected)
{
    *expected = 4711;
    apr_table_unset(r.headers_in, "If-Match");
    if (if_match) {
        apr_table_setn(r.headers_in, "If-Match", if_match);
    }
    return mgr_etag_matches(&r, revision, expected);
}

START_TEST(no_header_and_a_star_mean_any_revision)
{
    uint64_t expected;

    ck_assert(matches(NULL, OURS, &expected) && expected == 0);
    ck_assert(matches("*", OURS, &expected) && expected == 0);
    ck_assert(matches("*", 0, &expected) && expected == 0);
}
END_TEST

static const char *const matching[] = {
    "\"00ab12cd34ef5678\"",
    "\"x\", \"00ab12cd34ef5678\"",
    "\"00ab12cd34ef5678\" ,\"x\"",
    "\"a,b\",\"00ab12cd34ef5678\"",
};

START_TEST(one_of_the_list_is_enough)
{
    uint64_t expected;

    ck_assert_msg(matches(matching[_i], OURS, &expected) && expected == OURS, "%s", matching[_i]);
}
END_TEST

static const char *const foreign[] = {
    "",
    "\"\"",
    "00ab12cd34ef5678",
    "\"00ab12cd34ef5679\"",
    "W/\"00ab12cd34ef5678\"",
    "\"00ab12cd34ef5678",
    "\"x,00ab12cd34ef5678\"",
    "\"00AB12CD34EF5678\"",
    "**",
};

START_TEST(another_list_does_not_match)
{
    uint64_t expected;

    ck_assert_msg(!matches(foreign[_i], OURS, &expected) && expected == 0, "%s", foreign[_i]);
}
END_TEST

START_TEST(of_many_things_no_etag_is_theirs)
{
    uint64_t expected;

    ck_assert(!matches("\"0000000000000000\"", 0, &expected) && expected == 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("etag");
    TCase *t = tcase_create("etags");

    tcase_add_checked_fixture(t, begin, end);
    tcase_add_loop_test(t, a_revision_is_sixteen_digits_and_these_are_it, 0, COUNT(revisions));
    tcase_add_loop_test(t, no_other_text_is_a_revision, 0, COUNT(others));
    tcase_add_test(t, the_header_has_quotes);
    tcase_add_test(t, no_header_and_a_star_mean_any_revision);
    tcase_add_loop_test(t, one_of_the_list_is_enough, 0, COUNT(matching));
    tcase_add_loop_test(t, another_list_does_not_match, 0, COUNT(foreign));
    tcase_add_test(t, of_many_things_no_etag_is_theirs);
    suite_add_tcase(suite, t);
    return run_suite(suite);
}
