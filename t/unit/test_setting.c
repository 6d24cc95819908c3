/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_setting.c - each setting is found where it was put, and nothing else changes with it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "apr_general.h"
#include "apr_strings.h"
#include "run_suite.h"
#include "setting.h"
#include "setting_value.h"
#include "status_word.h"
#include "wall_clock.h"

static apr_pool_t *p;
static proxy_worker_shared member_shared;
static proxy_balancer_shared balancer_shared;
static lb_member_row_t row;
static proxy_worker worker = { .s = &member_shared };
static const lb_member_t member = { NULL, &worker, &row };

static int changes;    /* that elections were told of */

unsigned int lb_member_change_status(const lb_member_t *of, unsigned int set, unsigned int cleared)
{
    changes++;
    return lb_status_word_change(&of->worker->s->status, set, cleared);
}
apr_time_t lb_wall_clock_of(apr_time_t moment) { return moment ? moment + 1000 : 0; }
apr_time_t lb_wall_clock_moment(apr_time_t time_of_day)
{
    return time_of_day ? time_of_day - 1000 : 0;
}
void *ap_lookup_provider(const char *group, const char *name, const char *version)
{
    return strcmp(name, "byrequests") == 0 ? &worker : NULL;
}

apr_status_t ap_proxy_strncpy(char *to, const char *from, apr_size_t room)
{
    apr_cpystrn(to, from, room);
    return APR_SUCCESS;
}

static void begin(void)
{
    apr_initialize();
    apr_pool_create(&p, NULL);
    memset(&member_shared, 0, sizeof(member_shared));
    memset(&balancer_shared, 0, sizeof(balancer_shared));
    memset((void *)&row, 0, sizeof(row));
}

static void end(void)
{
    apr_pool_destroy(p);
    apr_terminate();
}

static lb_values_t now(bool is_of_member)
{
    return is_of_member ? lb_setting_of_member(p, &member_shared, &row)
                        : lb_setting_of_balancer(p, &balancer_shared);
}

static void change(const lb_setting_t *setting, lb_value_t value)
{
    lb_values_t values = { 0 };

    lb_values_put(&values, setting->id, value);
    if (setting->is_of_member) {
        const int before = changes;
        lb_setting_change_member(&member, &values);
        ck_assert_int_gt(changes, before);
    }
    else {
        lb_setting_change_balancer(&balancer_shared, &values);
    }
}

/* A value that it does not have at first. */
static lb_value_t another(const lb_setting_t *setting)
{
    if (setting->type == LB_TEXT) {
        return (lb_value_t){ .text = setting->id == LB_SETTING_STICKY ? "A|b" : "x1" };
    }
    return (lb_value_t){ .number = setting->max == INT64_MAX ? 1700000000000000 : setting->max };
}

static const lb_setting_t *readable(int i)
{
    return lb_settings[i].life == LB_IS_WISH ? NULL : &lb_settings[i];
}

START_TEST(a_value_is_found_where_it_was_put)
{
    const lb_setting_t *setting = readable(_i);

    if (setting) {
        const lb_values_t before = now(setting->is_of_member);
        change(setting, another(setting));
        const lb_values_t after = now(setting->is_of_member);
        ck_assert_uint_eq(after.given, before.given);
        for (int i = 0; i < LB_SETTING_COUNT; i++) {
            if (lb_values_have(&after, lb_settings[i].id)) {
                const lb_value_t due = i == _i ? another(setting) : before.of[i];
                ck_assert_msg(fc_setting_value_is(&lb_settings[i], after.of[i], due),
                              "%s after %s", lb_settings[i].name, setting->name);
            }
        }
    }
}
END_TEST

START_TEST(a_revision_is_of_what_is_kept)
{
    const lb_setting_t *setting = readable(_i);

    if (setting) {
        const lb_values_t before = now(setting->is_of_member);
        change(setting, another(setting));
        const lb_values_t after = now(setting->is_of_member);
        ck_assert_int_eq(lb_setting_revision(&before) != lb_setting_revision(&after),
                         setting->life == LB_IS_KEPT);
    }
}
END_TEST

START_TEST(a_setting_has_its_name_of_a_member_or_of_a_balancer)
{
    const lb_setting_t *setting = &lb_settings[_i];
    const lb_setting_t *found = lb_setting_find(setting->name, setting->is_of_member);

    if (readable(_i)) {
        ck_assert_ptr_nonnull(found);
        ck_assert_int_eq(found->id, setting->id);
    }
    else {
        ck_assert_ptr_null(found);
    }
    ck_assert_ptr_null(lb_setting_find(setting->name, !setting->is_of_member));
}
END_TEST

START_TEST(flags_change_in_one_step_and_no_other_bit_with_them)
{
    const unsigned int others = PROXY_WORKER_INITIALIZED | PROXY_WORKER_IN_ERROR;
    lb_values_t values = { 0 };

    member_shared.status = others | PROXY_WORKER_DISABLED | PROXY_WORKER_HC_FAIL;
    lb_values_put_number(&values, LB_SETTING_DISABLED, 0);
    lb_values_put_number(&values, LB_SETTING_DRAINING, 1);
    const lb_status_change_t status = lb_setting_change_member(&member, &values);
    ck_assert_uint_eq(status.before, others | PROXY_WORKER_DISABLED | PROXY_WORKER_HC_FAIL);
    ck_assert_uint_eq(status.after, others | PROXY_WORKER_DRAIN | PROXY_WORKER_HC_FAIL);
    ck_assert_uint_eq(member_shared.status, status.after);
}
END_TEST

static const struct {
    const char *value, *cookie, *parameter, *text;
} sticky[] = {
    { "A", "A", "A", "A|A" },
    { "A|b", "A", "b", "A|b" },
    { "-", "", "", "" },
    { "", "", "", "" },
};

START_TEST(a_sticky_session_has_a_cookie_and_a_parameter)
{
    strcpy(balancer_shared.sticky, "old");
    change(&lb_settings[LB_SETTING_STICKY], (lb_value_t){ .text = sticky[_i].value });
    ck_assert_str_eq(balancer_shared.sticky, sticky[_i].cookie);
    ck_assert_str_eq(balancer_shared.sticky_path, sticky[_i].parameter);
    ck_assert_str_eq(now(false).of[LB_SETTING_STICKY].text, sticky[_i].text);
}
END_TEST

START_TEST(attempts_are_not_set_until_somebody_sets_them)
{
    ck_assert_int_eq(now(false).of[LB_SETTING_MAX_ATTEMPTS].number, -1);
    change(&lb_settings[LB_SETTING_MAX_ATTEMPTS], (lb_value_t){ 0 });
    ck_assert_int_eq(now(false).of[LB_SETTING_MAX_ATTEMPTS].number, 0);
}
END_TEST

START_TEST(a_wrong_value_is_refused_by_name)
{
    const lb_setting_t *method = &lb_settings[LB_SETTING_LBMETHOD];

    ck_assert_str_eq(lb_setting_refusal(p, &lb_settings[LB_SETTING_LBSET], (lb_value_t){ 100 }),
                     "lbset must be a whole number from 0 to 99");
    ck_assert_ptr_null(lb_setting_refusal(p, &lb_settings[LB_SETTING_LBSET], (lb_value_t){ 99 }));
    ck_assert_ptr_null(lb_setting_refusal(p, method, (lb_value_t){ .text = "byrequests" }));
    ck_assert_str_eq(lb_setting_refusal(p, method, (lb_value_t){ .text = "byluck" }),
                     "there is no lbmethod byluck; is its module loaded?");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("setting");
    TCase *t = tcase_create("settings");

    tcase_add_checked_fixture(t, begin, end);
    tcase_add_loop_test(t, a_value_is_found_where_it_was_put, 0, LB_SETTING_COUNT);
    tcase_add_loop_test(t, a_revision_is_of_what_is_kept, 0, LB_SETTING_COUNT);
    tcase_add_loop_test(t, a_setting_has_its_name_of_a_member_or_of_a_balancer, 0,
                        LB_SETTING_COUNT);
    tcase_add_test(t, flags_change_in_one_step_and_no_other_bit_with_them);
    tcase_add_loop_test(t, a_sticky_session_has_a_cookie_and_a_parameter, 0, COUNT(sticky));
    tcase_add_test(t, attempts_are_not_set_until_somebody_sets_them);
    tcase_add_test(t, a_wrong_value_is_refused_by_name);
    suite_add_tcase(suite, t);
    return run_suite(suite);
}
