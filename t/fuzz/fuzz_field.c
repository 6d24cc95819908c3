/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fuzz_field.c - any bytes as the JSON of a change: a setting is taken within its bounds or refused
 * with a reason, and one that is refused changes nothing; a text goes the way of a form, too. */
#include <stdbool.h>
#include <stdlib.h>

#include "field.h"
#include "setting_value.h"
#include "text_input.h"

static bool is_clean(const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7F) {
            return false;
        }
    }
    return true;
}

/* Written so that it does not lean on what it looks at. How long a text may be is for the balancer
 * to judge. */
static void check_values(const lb_values_t *values, bool is_of_member)
{
    for (int i = 0; i < LB_SETTING_COUNT; i++) {
        const lb_setting_t *setting = &lb_settings[i];
        if (!lb_values_have(values, setting->id)) {
            continue;
        }
        assert(setting->is_of_member == is_of_member);
        assert(setting->type == LB_TEXT ? is_clean(values->of[i].text)
                                        : values->of[i].number >= setting->min
                                              && values->of[i].number <= setting->max);
    }
}

/* A whole number that was taken is the one that was written. */
static void check_whole(const lb_setting_t *setting, const lb_values_t *values, int64_t written)
{
    const bool is_whole = setting->type == LB_WHOLE || setting->type == LB_SECONDS;

    if (is_whole && lb_values_have(values, setting->id)) {
        assert(values->of[setting->id].number / fc_setting_value_unit(setting) == written);
    }
}

static void check(const lb_change_t *change, const lb_change_t *before, const char *wrong,
                  bool is_of_member)
{
    check_values(&change->values, is_of_member);
    assert(is_clean(change->new_address));
    assert(wrong == NULL
           || (strncmp(wrong, "must ", 5) == 0 && memcmp(change, before, sizeof(*change)) == 0));
}

static void take(apr_pool_t *p, const char *name, const json_t *value, bool is_of_member,
                 lb_change_t *change)
{
    const mgr_field_t *field = mgr_field_find(name, is_of_member);
    lb_change_t before;
    if (field != NULL) {
        memcpy(&before, change, sizeof(before));
        const char *wrong = mgr_field_take_json(p, field, value, change);
        check(change, &before, wrong, is_of_member);
        if (wrong == NULL && json_is_integer(value)) {
            check_whole(field->setting, &change->values, json_integer_value(value));
        }
    }
    if (field != NULL && json_is_string(value)) {
        const char *text = json_string_value(value);
        memcpy(&before, change, sizeof(before));
        const char *wrong = mgr_field_take(p, field, text, change);
        check(change, &before, wrong, is_of_member);
        if (wrong == NULL && *text != '\0') {
            check_whole(field->setting, &change->values, strtoll(text, NULL, 10));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *p = fuzz_pool();
    lb_change_t of_member = { 0 }, of_balancer = { 0 };
    json_error_t error;
    json_t *body = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, &error);
    const char *name;
    json_t *value;
    json_object_foreach(body, name, value) {
        take(p, name, value, true, &of_member);
        take(p, name, value, false, &of_balancer);
    }
    json_decref(body);
    return 0;
}
