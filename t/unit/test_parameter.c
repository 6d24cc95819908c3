/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_parameter.c - values that a table takes, where they go, what is said about others. */
#include <check.h>
#include <stdlib.h>

#include "apr_general.h"
#include "directive.h"
#include "parameter.h"
#include "run_suite.h"

typedef struct {
    int before, count, between;
    apr_interval_time_t wait, after;
} params_t;

#define UNTOUCHED { -1, -2, -3, -4, -5 }

static const fc_parameter_t table[] = {
    { "count", FC_COUNT, offsetof(params_t, count), 1, 16 },
    { "wait", FC_DURATION, offsetof(params_t, wait), 1000, FC_TIME_LIMIT_MAX },
    { "none", FC_DURATION, offsetof(params_t, wait), 0, FC_TIME_LIMIT_MAX },
};

static apr_pool_t *p;

static void begin(void)
{
    apr_initialize();
    apr_pool_create(&p, NULL);
}

static void end(void)
{
    apr_terminate();
}

static const fc_parameter_t *find(const char *key)
{
    return fc_parameter_find(table, 3, key);
}

START_TEST(keys_are_found_in_either_case_and_as_a_whole)
{
    ck_assert_ptr_eq(find("count"), &table[0]);
    ck_assert_ptr_eq(find("WaiT"), &table[1]);
    ck_assert_ptr_null(find("wai"));
    ck_assert_ptr_null(find("waits"));
    ck_assert_ptr_null(find(""));
    ck_assert_ptr_null(fc_parameter_find(table, 1, "wait"));
}
END_TEST

static const struct {
    const char *key, *val;
    int64_t expected;
} good[] = {
    { "count", "1", 1 },
    { "count", "16", 16 },
    { "wait", "1ms", 1000 },
    { "wait", "2", 2000000 },
    { "wait", "3m", 180000000 },
    { "wait", "24h", INT64_C(86400000000) },
    { "none", "0", 0 },
};

START_TEST(value_goes_into_its_field_and_no_other)
{
    params_t params = UNTOUCHED;
    const fc_parameter_t *parameter = find(good[_i].key);
    const bool is_count = parameter == &table[0];

    ck_assert_ptr_null(fc_parameter_set(parameter, &params, good[_i].val, "fcgi://h", p));
    ck_assert_int_eq(params.count, is_count ? good[_i].expected : -2);
    ck_assert_int_eq(params.wait, is_count ? -4 : good[_i].expected);
    ck_assert(params.before == -1 && params.between == -3 && params.after == -5);
}
END_TEST

#define NO_COUNT    " is not a whole number from 1 to 16"
#define NO_DURATION " is not a duration from 1ms to 24h; use a number of seconds, or of ms, s, m " \
                    "or h as in 500ms"

static const struct {
    const char *key, *val, *error;
} bad[] = {
    { "count", "0", "fcgi://h: count=0" NO_COUNT },
    { "count", "17", "fcgi://h: count=17" NO_COUNT },
    { "count", "-1", "fcgi://h: count=-1" NO_COUNT },
    { "count", "4294967297", "fcgi://h: count=4294967297" NO_COUNT },
    { "count", "2s", "fcgi://h: count=2s" NO_COUNT },
    { "count", "", "fcgi://h: count=" NO_COUNT },
    { "wait", "0", "fcgi://h: wait=0" NO_DURATION },
    { "WAIT", "soon", "fcgi://h: wait=soon" NO_DURATION },
    { "wait", "25h", "fcgi://h: wait=25h" NO_DURATION },
    { "wait", "86400001ms", "fcgi://h: wait=86400001ms" NO_DURATION },
    { "wait", "1us", "fcgi://h: wait=1us" NO_DURATION },
    { "wait", "", "fcgi://h: wait=" NO_DURATION },
};

START_TEST(what_is_wrong_is_said_with_the_cure_and_changes_nothing)
{
    params_t params = UNTOUCHED;

    ck_assert_str_eq(fc_parameter_set(find(bad[_i].key), &params, bad[_i].val, "fcgi://h", p),
                     bad[_i].error);
    ck_assert(params.count == -2 && params.wait == -4);
}
END_TEST

static const struct {
    const char *text;
    int64_t us;
} durations[] = {
    { "0", 0 },
    { "1ms", 1000 },
    { "500ms", 500000 },
    { "1500ms", 1500000 },
    { "1s", 1000000 },
    { "90s", 90000000 },
    { "2m", 120000000 },
    { "59m", 3540000000 },
    { "1h", 3600000000 },
    { "24h", FC_TIME_LIMIT_MAX },
    { "86399999ms", 86399999000 },
};

START_TEST(duration_is_written_as_it_is_read)
{
    int64_t us = -1;

    ck_assert_str_eq(fc_parameter_duration(durations[_i].us, p), durations[_i].text);
    ck_assert(fc_directive_duration(durations[_i].text, &us));
    ck_assert_int_eq(us, durations[_i].us);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("parameter");
    TCase *tc = tcase_create("parameter");

    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, keys_are_found_in_either_case_and_as_a_whole);
    tcase_add_loop_test(tc, value_goes_into_its_field_and_no_other, 0, COUNT(good));
    tcase_add_loop_test(tc, what_is_wrong_is_said_with_the_cure_and_changes_nothing, 0, COUNT(bad));
    tcase_add_loop_test(tc, duration_is_written_as_it_is_read, 0, COUNT(durations));
    suite_add_tcase(suite, tc);

    return run_suite(suite);
}
