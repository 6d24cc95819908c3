/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_field.c - the values that settings take from forms and from JSON, and those they refuse. */
#include <check.h>
#include <string.h>

#include "apr_general.h"
#include "apr_strings.h"
#include "field.h"
#include "run_suite.h"

static apr_pool_t *p;
static lb_change_t change;

static void begin(void)
{
    apr_initialize();
    apr_pool_create(&p, NULL);
    change = (lb_change_t){ 0 };
}

static void end(void)
{
    apr_pool_destroy(p);
    apr_terminate();
}

static const mgr_field_t *field_of(const char *name, bool is_of_member)
{
    const mgr_field_t *field = mgr_field_find(name, is_of_member);

    ck_assert_msg(field != NULL, "there is no %s", name);
    return field;
}

/* What the change says about the flags. */
static const char *taken_flags(void)
{
    const char *flags = "";

    for (int i = 0; i < LB_SETTING_COUNT; i++) {
        const lb_setting_t *flag = &lb_settings[i];
        if (flag->flag && lb_values_have(&change.values, flag->id)) {
            flags = apr_psprintf(p, "%s%c%d", flags, flag->flag, change.values.of[i].number != 0);
        }
    }
    return flags;
}

/* What it says about a field, as a text. */
static const char *taken(const char *name)
{
    if (strcmp(name, "address") == 0) {
        return change.new_address ? change.new_address : "(none)";
    }
    if (strcmp(name, "remove") == 0) {
        return change.removes_member ? "1" : "0";
    }
    if (strcmp(name, "reset_counters") == 0) {
        return change.resets_counters ? "1" : "0";
    }
    for (int i = 0; i < LB_SETTING_COUNT; i++) {
        const lb_setting_t *setting = &lb_settings[i];
        if (strcmp(setting->name, name) != 0 || setting->flag) {
            continue;
        }
        if (!lb_values_have(&change.values, setting->id)) {
            return setting->type == LB_TEXT ? "(none)" : "-1";
        }
        return setting->type == LB_TEXT
                   ? change.values.of[i].text
                   : apr_psprintf(p, "%" APR_INT64_T_FMT, change.values.of[i].number);
    }
    return taken_flags();
}

/* What it says about all of them. */
static const char *all_taken(void)
{
    const char *all = taken("state");

    for (const mgr_field_t *field = mgr_fields; field->setting; field++) {
        all = apr_pstrcat(p, all, " ", taken(field->setting->name), NULL);
    }
    return all;
}

/* ---- Names ----------------------------------------------------------------------------------- */

START_TEST(a_name_is_of_a_member_or_of_a_balancer)
{
    ck_assert_ptr_nonnull(mgr_field_find("weight", true));
    ck_assert_ptr_null(mgr_field_find("weight", false));
    ck_assert_ptr_nonnull(mgr_field_find("lbmethod", false));
    ck_assert_ptr_null(mgr_field_find("lbmethod", true));
    ck_assert_ptr_ne(field_of("reset_counters", true), field_of("reset_counters", false));
    ck_assert_ptr_null(mgr_field_find("", true));
    ck_assert_ptr_null(mgr_field_find("Weight", true));
    ck_assert_ptr_null(mgr_field_find("weight ", true));
    ck_assert_ptr_null(mgr_field_find("w_lf", true));
}
END_TEST

/* ---- Forms ----------------------------------------------------------------------------------- */

static const struct {
    const char *name, *value, *taken;
    bool is_of_balancer;
} right[] = {
    { "weight", "1", "100" },
    { "weight", "100", "10000" },
    { "weight", "1.25", "125" },
    { "weight", "2.5", "250" },
    { "weight", "1.259", "125" },
    { "weight", "001", "100" },
    { "weight", "100.00", "10000" },
    { "weight", "100.009", "10000" },
    { "weight", "", "-1" },
    { "lbset", "0", "0" },
    { "lbset", "99", "99" },
    { "lbset", "000000007", "7" },
    { "lbset", "", "-1" },
    { "limit", "0", "0" },
    { "limit", "1000000", "1000000" },
    { "queue_limit", "1000000", "1000000" },
    { "queue_timeout", "0", "0" },
    { "queue_timeout", "2", "2000000" },
    { "queue_timeout", "500ms", "500000" },
    { "queue_timeout", "24h", "86400000000" },
    { "queue_timeout", "", "-1" },
    { "drain_deadline", "0", "0" },
    { "drain_deadline", "2592000", "2592000000000" },
    { "drain_deadline", "", "-1" },
    { "route", "r1", "r1" },
    { "route", "", "" },
    { "redirect", "\xC3\xA4", "\xC3\xA4" },
    { "address", "h:1", "h:1" },
    { "address", "", "(none)" },
    { "remove", "1", "1" },
    { "remove", "0", "0" },
    { "reset_counters", "1", "1" },
    { "timeout", "7200", "7200000000", true },
    { "timeout", "0", "0", true },
    { "max_attempts", "99", "99", true },
    { "nofailover", "1", "1", true },
    { "nofailover", "", "-1", true },
    { "lbmethod", "bybusyness", "bybusyness", true },
    { "lbmethod", "", "(none)", true },
    { "sticky", "A|b", "A|b", true },
    { "sticky", " A | b ", "A|b", true },
    { "sticky", "-", "-", true },
    { "sticky", "  ", "(none)", true },
    { "sticky", "", "(none)", true },
    { "state", "ready", "N0D0S0" },
    { "state", "drain", "N1D0S0" },
    { "state", "disable", "N0D1S0" },
    { "state", "stop", "N0D0S1" },
    { "standby", "1", "H1" },
    { "spare", "0", "R0" },
    { "ignore_errors", "1", "I1" },
};

START_TEST(a_form_has_its_value_taken)
{
    const mgr_field_t *field = field_of(right[_i].name, !right[_i].is_of_balancer);
    const char *wrong = mgr_field_take(p, field, right[_i].value, &change);

    ck_assert_msg(!wrong && strcmp(taken(right[_i].name), right[_i].taken) == 0,
                  "%s=\"%s\" is %s: %s", right[_i].name, right[_i].value, taken(right[_i].name),
                  wrong ? wrong : "taken");
}
END_TEST

static const struct {
    const char *name, *value;
    bool is_of_balancer;
} refused[] = {
    { "weight", "0" },
    { "weight", "0.99" },
    { "weight", "100.01" },
    { "weight", "101" },
    { "weight", "1." },
    { "weight", ".5" },
    { "weight", "1,5" },
    { "weight", "-1" },
    { "weight", "+1" },
    { "weight", " 1" },
    { "weight", "1 " },
    { "weight", "1e1" },
    { "weight", "0x10" },
    { "weight", "nan" },
    { "weight", "1.2.3" },
    { "weight", "1.x" },
    { "weight", "4294967297" },
    { "weight", "99999999999999999999999999" },
    { "lbset", "100" },
    { "lbset", "-1" },
    { "lbset", "1x" },
    { "lbset", " 1" },
    { "lbset", "1 " },
    { "lbset", "+1" },
    { "lbset", "4294967296" },
    { "lbset", "18446744073709551616" },
    { "lbset", "0000000007" },
    { "limit", "1000001" },
    { "limit", "999999999999" },
    { "queue_limit", "1000001" },
    { "queue_timeout", "86401" },
    { "queue_timeout", "25h" },
    { "queue_timeout", "86400001ms" },
    { "queue_timeout", "-1" },
    { "queue_timeout", "1d" },
    { "queue_timeout", "ms" },
    { "queue_timeout", "9223372036854775807" },
    { "queue_timeout", "9223372036854775808h" },
    { "drain_deadline", "2592001" },
    { "drain_deadline", "1h" },
    { "remove", "2" },
    { "remove", "yes" },
    { "reset_counters", "-1" },
    { "timeout", "7201", true },
    { "max_attempts", "100", true },
    { "nofailover", "2", true },
    { "standby", "" },
    { "standby", "2" },
    { "standby", "on" },
    { "standby", "11" },
    { "state", "" },
    { "state", "READY" },
    { "state", "ready " },
    { "state", "error" },
    { "route", "a\nb" },
    { "route", "a\x7F"
               "b" },
    { "redirect", "\x01" },
    { "address", "h:1\r\n" },
    { "sticky", "a\tb", true },
    { "lbmethod", "\x1B[2J", true },
    { "lbset", "1\n" },
};

START_TEST(a_wrong_value_is_refused_and_changes_nothing)
{
    const char *none = all_taken();
    const mgr_field_t *field = field_of(refused[_i].name, !refused[_i].is_of_balancer);
    const char *wrong = mgr_field_take(p, field, refused[_i].value, &change);

    ck_assert_msg(wrong && strncmp(wrong, "must ", 5) == 0, "%s=\"%s\" is %s", refused[_i].name,
                  refused[_i].value, taken(refused[_i].name));
    ck_assert_str_eq(all_taken(), none);
}
END_TEST

START_TEST(of_two_values_for_a_flag_the_last_counts)
{
    mgr_field_take(p, field_of("state", true), "drain", &change);
    mgr_field_take(p, field_of("draining", true), "0", &change);
    mgr_field_take(p, field_of("standby", true), "1", &change);
    mgr_field_take(p, field_of("standby", true), "0", &change);
    ck_assert_str_eq(taken("state"), "N0D0H0S0");
}
END_TEST

START_TEST(all_flags_have_room)
{
    for (const mgr_field_t *field = mgr_fields; field->setting; field++) {
        if (field->setting->flag) {
            ck_assert_ptr_null(mgr_field_take(p, field, "1", &change));
        }
    }
    ck_assert_str_eq(taken("state"), "I1N1D1H1R1S1C1");
    mgr_field_take(p, field_of("state", true), "ready", &change);
    ck_assert_str_eq(taken("state"), "I1N0D0H1R1S0C1");
}
END_TEST

/* ---- JSON ------------------------------------------------------------------------------------ */

static const char *take_json(const char *name, bool is_of_member, const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, JSON_DECODE_ANY, &error);

    ck_assert_msg(value != NULL, "%s: %s", text, error.text);
    const char *wrong = mgr_field_take_json(p, field_of(name, is_of_member), value, &change);
    json_decref(value);
    return wrong;
}

static const struct {
    const char *name, *value, *taken;
    bool is_of_balancer;
} right_json[] = {
    { "weight", "1", "100" },
    { "weight", "1.25", "125" },
    { "weight", "1.0", "100" },
    { "weight", "1.29", "129" },
    { "weight", "100.0", "10000" },
    { "weight", "1e2", "10000" },
    { "lbset", "99", "99" },
    { "limit", "1000000", "1000000" },
    { "queue_timeout", "0.5", "500000" },
    { "queue_timeout", "2", "2000000" },
    { "queue_timeout", "86400", "86400000000" },
    { "queue_timeout", "0.0004", "0" },
    { "drain_deadline", "60", "60000000" },
    { "route", "\"r1\"", "r1" },
    { "route", "\"\"", "" },
    { "route", "null", "" },
    { "standby", "true", "H1" },
    { "standby", "false", "H0" },
    { "remove", "true", "1" },
    { "sticky", "\"\"", "-", true },
    { "sticky", "null", "-", true },
    { "sticky", "\"A|b\"", "A|b", true },
    { "nofailover", "false", "0", true },
    { "state", "\"drain\"", "N1D0S0" },
};

START_TEST(json_has_its_value_taken)
{
    const char *wrong = take_json(right_json[_i].name, !right_json[_i].is_of_balancer,
                                  right_json[_i].value);

    ck_assert_msg(!wrong && strcmp(taken(right_json[_i].name), right_json[_i].taken) == 0,
                  "%s: %s is %s: %s", right_json[_i].name, right_json[_i].value,
                  taken(right_json[_i].name), wrong ? wrong : "taken");
}
END_TEST

static const struct {
    const char *name, *value;
    bool is_of_balancer;
} refused_json[] = {
    { "weight", "\"1\"" },
    { "weight", "true" },
    { "weight", "null" },
    { "weight", "[1]" },
    { "weight", "{}" },
    { "weight", "1e300" },
    { "weight", "-1e300" },
    { "weight", "0.5" },
    { "weight", "-1" },
    { "weight", "9223372036854775807" },
    { "weight", "1e-300" },
    { "lbset", "1.0" },
    { "lbset", "\"1\"" },
    { "lbset", "-1" },
    { "lbset", "100" },
    { "lbset", "4294967296" },
    { "lbset", "-9223372036854775808" },
    { "lbset", "null" },
    { "queue_timeout", "\"2s\"" },
    { "queue_timeout", "-0.5" },
    { "queue_timeout", "86400.5" },
    { "queue_timeout", "1e300" },
    { "queue_timeout", "9223372036854775807" },
    { "queue_timeout", "null" },
    { "drain_deadline", "0.5" },
    { "route", "1" },
    { "route", "true" },
    { "route", "[]" },
    { "route", "\"a\\nb\"" },
    { "standby", "1" },
    { "standby", "\"true\"" },
    { "standby", "null" },
    { "remove", "1" },
    { "nofailover", "0", true },
    { "lbmethod", "{}", true },
    { "state", "null" },
    { "state", "1" },
};

START_TEST(a_wrong_value_in_json_is_refused_and_changes_nothing)
{
    const char *none = all_taken();
    const char *wrong = take_json(refused_json[_i].name, !refused_json[_i].is_of_balancer,
                                  refused_json[_i].value);

    ck_assert_msg(wrong && strncmp(wrong, "must ", 5) == 0, "%s: %s is %s", refused_json[_i].name,
                  refused_json[_i].value, taken(refused_json[_i].name));
    ck_assert_str_eq(all_taken(), none);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("field");
    TCase *t = tcase_create("fields");

    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, a_name_is_of_a_member_or_of_a_balancer);
    tcase_add_loop_test(t, a_form_has_its_value_taken, 0, COUNT(right));
    tcase_add_loop_test(t, a_wrong_value_is_refused_and_changes_nothing, 0, COUNT(refused));
    tcase_add_test(t, of_two_values_for_a_flag_the_last_counts);
    tcase_add_test(t, all_flags_have_room);
    tcase_add_loop_test(t, json_has_its_value_taken, 0, COUNT(right_json));
    tcase_add_loop_test(t, a_wrong_value_in_json_is_refused_and_changes_nothing, 0,
                        COUNT(refused_json));
    suite_add_tcase(suite, t);
    return run_suite(suite);
}
