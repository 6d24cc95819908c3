/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_form.c - parameters are taken apart and decoded; what is not encoded properly is refused. */
#include <check.h>
#include <string.h>

#include "body.h"
#include "form.h"
#include "httpd_alone.h"
#include "run_suite.h"

static apr_pool_t *p;
static request_rec r;

/* The body that the request has. */
static struct {
    const char *text;
    apr_size_t bytes;
    int status;
    bool is_form;
} body;

bool mgr_body_is(request_rec *of, const char *type)
{
    return body.is_form;
}

int mgr_body_read(request_rec *of, apr_size_t limit, char **text, apr_size_t *bytes)
{
    *text = apr_pstrmemdup(p, body.text, body.bytes);
    *bytes = body.bytes;
    return body.status;
}

static void begin(void)
{
    apr_initialize();
    apr_pool_create(&p, NULL);
    r.pool = p;
    r.headers_in = apr_table_make(p, 1);
    body.text = "";
    body.bytes = 0;
    body.status = OK;
    body.is_form = true;
}

static void end(void)
{
    apr_pool_destroy(p);
    apr_terminate();
}

static apr_table_t *parsed(const char *text)
{
    apr_table_t *table = NULL;

    ck_assert_int_eq(mgr_form_parse(p, text, &table), OK);
    return table;
}

static void assert_is(const char *text, const char *name, const char *value)
{
    const char *found = apr_table_get(parsed(text), name);

    ck_assert_msg(found && strcmp(found, value) == 0, "%s: %s is %s", text, name,
                  found ? found : "not there");
}

static int join(void *out, const char *name, const char *value)
{
    strcat(strcat(out, value), "|");
    return 1;
}

/* All values of a name, in their order. */
static const char *values(const char *text, const char *name)
{
    static char out[200];

    *out = '\0';
    apr_table_do(join, out, parsed(text), name, NULL);
    return out;
}

/* ---- Taking apart ---------------------------------------------------------------------------- */

START_TEST(no_text_has_no_parameters)
{
    ck_assert(apr_is_empty_table(parsed(NULL)));
    ck_assert(apr_is_empty_table(parsed("")));
    ck_assert(apr_is_empty_table(parsed("&")));
    ck_assert(apr_is_empty_table(parsed("&&&")));
}
END_TEST

START_TEST(the_first_equals_sign_ends_the_name)
{
    assert_is("a=1&b=2", "a", "1");
    assert_is("a=1&b=2", "b", "2");
    assert_is("a=b=c", "a", "b=c");
    assert_is("a==", "a", "=");
    assert_is("a%3Db=c", "a=b", "c");
    assert_is("=x", "", "x");
}
END_TEST

START_TEST(a_name_without_a_value_has_the_empty_one)
{
    assert_is("xml", "xml", "");
    assert_is("xml=", "xml", "");
    assert_is("a=1&xml&b=2", "xml", "");
    assert_is("a=1&xml&b=2", "b", "2");
}
END_TEST

START_TEST(ampersands_at_the_ends_and_twice_separate_nothing)
{
    assert_is("&a=1&&b=2&", "a", "1");
    assert_is("&a=1&&b=2&", "b", "2");
    ck_assert_int_eq(apr_table_elts(parsed("&a=1&&b=2&"))->nelts, 2);
}
END_TEST

START_TEST(an_escaped_separator_is_part_of_the_value)
{
    assert_is("a=1%262%3D3", "a", "1&2=3");
    assert_is("a=1%2b2+3", "a", "1+2 3");
    assert_is("w=fcgi%3A%2F%2F10.0.0.1%3a9000%2fx", "w", "fcgi://10.0.0.1:9000/x");
    assert_is("a=%2525", "a", "%25");
    assert_is("a=%C3%A4%FF", "a", "\xC3\xA4\xFF");
}
END_TEST

/* ---- Equal names ----------------------------------------------------------------------------- */

START_TEST(of_equal_names_the_last_counts)
{
    ck_assert_str_eq(values("b=1&b=2&b=3", "b"), "3|");
    ck_assert_str_eq(values("b=1&b=", "b"), "|");
    ck_assert_str_eq(values("b=1&%62=2", "b"), "2|");
}
END_TEST

START_TEST(members_and_opened_balancers_may_be_many)
{
    ck_assert_str_eq(values("w=1&w=2&x=3&w=1", "w"), "1|2|1|");
    ck_assert_str_eq(values("open=a&open=b", "open"), "a|b|");
    ck_assert_str_eq(values("w=1&%77=2", "w"), "1|2|");
}
END_TEST

START_TEST(the_case_of_a_name_does_not_matter)
{
    ck_assert_str_eq(values("b=1&B=2", "b"), "2|");
    ck_assert_str_eq(values("w=1&w=2&W=3", "w"), "1|2|3|");
    ck_assert_str_eq(values("open=a&OPEN=b", "open"), "a|b|");
}
END_TEST

/* ---- What is wrong --------------------------------------------------------------------------- */

static const char *const broken[] = {
    "a=%",
    "a=%4",
    "a=%4g",
    "a=%g4",
    "a=%%41",
    "%=1",
    "%4=1",
    "a%zz",
    "a=1&b=%",
    "a=%41%",
    "a=%00",
    "a=x%00y",
    "%00=1",
    "a%00b",
    "a=%00&b=%",
    "a=% 41",
    "a=%-1",
};

START_TEST(a_broken_escape_is_refused)
{
    apr_table_t *table;

    ck_assert_msg(mgr_form_parse(p, broken[_i], &table) == HTTP_BAD_REQUEST, "%s", broken[_i]);
}
END_TEST

START_TEST(the_text_itself_stays_as_it_is)
{
    char text[] = "a=1&b=%41";

    parsed(text);
    ck_assert_str_eq(text, "a=1&b=%41");
}
END_TEST

START_TEST(a_form_may_be_long)
{
    enum { PARTS = 10000 };
    char *text = apr_palloc(p, PARTS * 3 + 1);

    for (int i = 0; i < PARTS; i++) {
        memcpy(text + 3 * i, "w=&", 4);
    }
    ck_assert_int_eq(apr_table_elts(parsed(text))->nelts, PARTS);
}
END_TEST

/* ---- Reading --------------------------------------------------------------------------------- */

static int read_body(const char *text, apr_size_t bytes, const char **why)
{
    apr_table_t *table = NULL;

    body.text = text;
    body.bytes = bytes;
    return mgr_form_read(&r, &table, why);
}

START_TEST(a_body_with_a_nul_is_refused)
{
    const char *why = NULL;

    ck_assert_int_eq(read_body("a=1\0&b=2", 8, &why), HTTP_BAD_REQUEST);
    ck_assert_ptr_nonnull(why);
    ck_assert_int_eq(read_body("\0", 1, &why), HTTP_BAD_REQUEST);
    ck_assert_int_eq(read_body("a=%0", 4, &why), HTTP_BAD_REQUEST);
    ck_assert_int_eq(read_body("a=1&b=2", 7, &why), OK);
    ck_assert_ptr_null(why);
}
END_TEST

START_TEST(another_type_is_refused_but_none_is_taken)
{
    const char *why = NULL;

    body.is_form = false;
    ck_assert_int_eq(read_body("a=1", 3, &why), OK);
    apr_table_setn(r.headers_in, "Content-Type", "text/plain");
    ck_assert_int_eq(read_body("a=1", 3, &why), HTTP_UNSUPPORTED_MEDIA_TYPE);
    ck_assert_ptr_nonnull(why);
}
END_TEST

START_TEST(what_is_too_large_is_told_and_what_httpd_answers_is_not)
{
    const char *why = NULL;

    body.status = HTTP_REQUEST_ENTITY_TOO_LARGE;
    ck_assert_int_eq(read_body("", 0, &why), HTTP_REQUEST_ENTITY_TOO_LARGE);
    ck_assert_ptr_nonnull(why);
    body.status = HTTP_REQUEST_TIME_OUT;
    ck_assert_int_eq(read_body("", 0, &why), HTTP_REQUEST_TIME_OUT);
    ck_assert_ptr_null(why);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("form");
    TCase *t = tcase_create("forms");

    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, no_text_has_no_parameters);
    tcase_add_test(t, the_first_equals_sign_ends_the_name);
    tcase_add_test(t, a_name_without_a_value_has_the_empty_one);
    tcase_add_test(t, ampersands_at_the_ends_and_twice_separate_nothing);
    tcase_add_test(t, an_escaped_separator_is_part_of_the_value);
    tcase_add_test(t, of_equal_names_the_last_counts);
    tcase_add_test(t, members_and_opened_balancers_may_be_many);
    tcase_add_test(t, the_case_of_a_name_does_not_matter);
    tcase_add_loop_test(t, a_broken_escape_is_refused, 0, COUNT(broken));
    tcase_add_test(t, the_text_itself_stays_as_it_is);
    tcase_add_test(t, a_form_may_be_long);
    tcase_add_test(t, a_body_with_a_nul_is_refused);
    tcase_add_test(t, another_type_is_refused_but_none_is_taken);
    tcase_add_test(t, what_is_too_large_is_told_and_what_httpd_answers_is_not);
    suite_add_tcase(suite, t);
    return run_suite(suite);
}
