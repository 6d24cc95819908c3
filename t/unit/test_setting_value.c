/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_setting_value.c - the values of all settings, to texts and back, and their ranges. */
#include <check.h>
#include <string.h>

#include "apr_general.h"
#include "apr_strings.h"
#include "run_suite.h"
#include "setting_value.h"

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

static const struct {
    lb_setting_id_t id;
    int64_t number;
    const char *text;
} pairs[] = {
    { LB_SETTING_WEIGHT, 100, "1.00" },
    { LB_SETTING_WEIGHT, 125, "1.25" },
    { LB_SETTING_WEIGHT, 205, "2.05" },
    { LB_SETTING_WEIGHT, 10000, "100.00" },
    { LB_SETTING_LBSET, 0, "0" },
    { LB_SETTING_LBSET, 99, "99" },
    { LB_SETTING_LIMIT, 0, "0" },
    { LB_SETTING_LIMIT, LB_LIMIT_MAX, "1000000" },
    { LB_SETTING_LIMIT, LB_LIMIT_AUTO, "auto" },
    { LB_SETTING_STANDBY, 1, "on" },
    { LB_SETTING_STANDBY, 0, "off" },
    { LB_SETTING_NOFAILOVER, 1, "on" },
    { LB_SETTING_QUEUE_TIMEOUT, 0, "0s" },
    { LB_SETTING_QUEUE_TIMEOUT, 2000000, "2s" },
    { LB_SETTING_QUEUE_TIMEOUT, 500000, "500ms" },
    { LB_SETTING_QUEUE_TIMEOUT, LB_DAY_US, "86400s" },
    { LB_SETTING_TIMEOUT, 7200000000, "7200" },
    { LB_SETTING_DRAIN_DEADLINE, 60000000, "60" },
    { LB_SETTING_DRAIN_UNTIL, 0, "" },
    { LB_SETTING_DRAIN_UNTIL, 1700000000123000, "2023-11-14T22:13:20.123Z" },
};

START_TEST(a_value_comes_back_from_its_text)
{
    const lb_setting_t *setting = &lb_settings[pairs[_i].id];
    lb_value_t value = { .number = -7 };

    ck_assert_str_eq(fc_setting_value_text(p, setting, (lb_value_t){ pairs[_i].number }),
                     pairs[_i].text);
    ck_assert(fc_setting_value_read(setting, pairs[_i].text, &value));
    ck_assert_int_eq(value.number, pairs[_i].number);
}
END_TEST

static const struct {
    lb_setting_id_t id;
    const char *text;
} wrong[] = {
    { LB_SETTING_WEIGHT, "0.99" },
    { LB_SETTING_WEIGHT, "100.01" },
    { LB_SETTING_WEIGHT, "" },
    { LB_SETTING_WEIGHT, "." },
    { LB_SETTING_WEIGHT, "10000000001" },
    { LB_SETTING_LBSET, "" },
    { LB_SETTING_LBSET, "-1" },
    { LB_SETTING_LBSET, "100" },
    { LB_SETTING_LIMIT, "1000001" },
    { LB_SETTING_LIMIT, "automatic" },
    { LB_SETTING_MAX_ATTEMPTS, "not set" },
    { LB_SETTING_STANDBY, "1" },
    { LB_SETTING_STANDBY, "" },
    { LB_SETTING_QUEUE_TIMEOUT, "25h" },
    { LB_SETTING_TIMEOUT, "1s" },
    { LB_SETTING_TIMEOUT, "7201" },
    { LB_SETTING_DRAIN_UNTIL, "tomorrow" },
    { LB_SETTING_DRAIN_UNTIL, "2023-13-14T22:13:20.123Z" },
    { LB_SETTING_DRAIN_UNTIL, "2023-11-14T22:13:20.123Z " },
    { LB_SETTING_DRAIN_UNTIL, "1969-11-14T22:13:20.123Z" },
    { LB_SETTING_ROUTE, "012345678901234567890123456789012345678901234567"
                        "012345678901234567890123456789012345678901234567" },
};

START_TEST(a_wrong_text_leaves_the_value_alone)
{
    lb_value_t value = { .number = -7 };

    ck_assert_msg(!fc_setting_value_read(&lb_settings[wrong[_i].id], wrong[_i].text, &value),
                  "\"%s\"", wrong[_i].text);
    ck_assert_int_eq(value.number, -7);
}
END_TEST

static const struct {
    lb_setting_id_t id;
    const char *why;
} refusals[] = {
    { LB_SETTING_WEIGHT, "must be a number from 1 to 100, such as 2 or 1.25" },
    { LB_SETTING_LBSET, "must be a whole number from 0 to 99" },
    { LB_SETTING_LIMIT, "must be a whole number from 0 to 1000000, or auto" },
    { LB_SETTING_TIMEOUT, "must be a whole number from 0 to 7200" },
    { LB_SETTING_DRAIN_DEADLINE, "must be a whole number from 0 to 2592000" },
    { LB_SETTING_QUEUE_TIMEOUT, "must be a time up to 24h, such as 2 (seconds) or 500ms" },
    { LB_SETTING_NOFAILOVER, "must be 0 or 1" },
    { LB_SETTING_DRAIN_UNTIL, "must be a time of day" },
    { LB_SETTING_ROUTE, PROXY_WORKER_MAX_ROUTE_SIZE == 64 ? "is longer than 63 characters"
                                                          : "is longer than 95 characters" },
};

START_TEST(a_refusal_tells_the_range)
{
    ck_assert_str_eq(fc_setting_value_refusal(p, &lb_settings[refusals[_i].id]), refusals[_i].why);
}
END_TEST

START_TEST(all_numbers_are_allowed_from_end_to_end)
{
    for (int i = 0; i < LB_SETTING_COUNT; i++) {
        const lb_setting_t *setting = &lb_settings[i];
        if (setting->type == LB_TEXT) {
            continue;
        }
        ck_assert(fc_setting_value_is_allowed(setting, (lb_value_t){ setting->min }));
        ck_assert(fc_setting_value_is_allowed(setting, (lb_value_t){ setting->max }));
        ck_assert(!fc_setting_value_is_allowed(setting, (lb_value_t){ setting->min - 1 }));
        ck_assert(setting->max == INT64_MAX
                  || !fc_setting_value_is_allowed(setting, (lb_value_t){ setting->max + 1 }));
    }
}
END_TEST

START_TEST(what_is_not_set_says_so)
{
    ck_assert_str_eq(fc_setting_value_text(p, &lb_settings[LB_SETTING_MAX_ATTEMPTS],
                                           (lb_value_t){ .number = -1 }),
                     "not set");
}
END_TEST

START_TEST(texts_are_compared_as_texts)
{
    const lb_setting_t *route = &lb_settings[LB_SETTING_ROUTE];
    const lb_value_t a = { .text = apr_pstrdup(p, "a") }, again = { .text = apr_pstrdup(p, "a") };

    ck_assert(fc_setting_value_is(route, a, again));
    ck_assert(!fc_setting_value_is(route, a, (lb_value_t){ .text = "b" }));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("setting_value");
    TCase *t = tcase_create("values");

    tcase_add_checked_fixture(t, begin, end);
    tcase_add_loop_test(t, a_value_comes_back_from_its_text, 0, COUNT(pairs));
    tcase_add_loop_test(t, a_wrong_text_leaves_the_value_alone, 0, COUNT(wrong));
    tcase_add_loop_test(t, a_refusal_tells_the_range, 0, COUNT(refusals));
    tcase_add_test(t, all_numbers_are_allowed_from_end_to_end);
    tcase_add_test(t, what_is_not_set_says_so);
    tcase_add_test(t, texts_are_compared_as_texts);
    suite_add_tcase(suite, t);
    return run_suite(suite);
}
