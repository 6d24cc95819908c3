/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* field.c - see field.h.
 * Knows    names in forms, what is no setting, JSON's kinds of values.
 * Ignores  names, types and ranges of settings (include/balancer_setting.h), where a value came
 *          from, and how a change is made (the balancer does it).
 * Memory   the caller's pool.   Threads: any, no state. */
#include "field.h"

#include <string.h>

#include "apr_lib.h"
#include "apr_strings.h"
#include "setting_value.h"

/* ---- Values that are no settings' ------------------------------------------------------------ */

/* As forms have it; "" leaves it as it is. */
static const char *take_switch(const char *value, bool *is_on)
{
    if (*value && strcmp(value, "0") != 0 && strcmp(value, "1") != 0) {
        return "must be 0 or 1";
    }
    *is_on = *value ? *value == '1' : *is_on;
    return NULL;
}

static const char *take_removal(apr_pool_t *p, const char *value, lb_change_t *change)
{
    return take_switch(value, &change->removes_member);
}

static const char *take_reset(apr_pool_t *p, const char *value, lb_change_t *change)
{
    return take_switch(value, &change->resets_counters);
}

static const char *take_scope(apr_pool_t *p, const char *value, lb_change_t *change)
{
    if (strcmp(value, "fleet") != 0 && strcmp(value, "front") != 0) {
        return "must be fleet or front";
    }
    change->stays_here = strcmp(value, "front") == 0;
    return NULL;
}

static const char *take_new_address(apr_pool_t *p, const char *value, lb_change_t *change)
{
    change->new_address = *value ? value : NULL;
    return NULL;
}

/* One of the three, or none of them. */
static const char *take_state(apr_pool_t *p, const char *value, lb_change_t *change)
{
    static const struct {
        const char *word;
        lb_setting_id_t flag;
    } states[] = {
        { "ready", LB_SETTING_COUNT },
        { "drain", LB_SETTING_DRAINING },
        { "disable", LB_SETTING_DISABLED },
        { "stop", LB_SETTING_STOPPED },
    };

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (strcmp(value, states[i].word) == 0) {
            for (size_t k = 1; k < sizeof(states) / sizeof(states[0]); k++) {
                lb_values_put_number(&change->values, states[k].flag, k == i);
            }
            return NULL;
        }
    }
    return "must be ready, drain, disable or stop";
}

/* Stock's page used to print "COOKIE | parameter": blanks are not part of either name. */
static const char *take_sticky(apr_pool_t *p, const char *value, lb_change_t *change)
{
    char *packed = apr_palloc(p, strlen(value) + 1);

    apr_collapse_spaces(packed, value);
    if (*packed) {
        lb_values_put(&change->values, LB_SETTING_STICKY, (lb_value_t){ .text = packed });
    }
    return NULL;
}

/* ---- The list -------------------------------------------------------------------------------- */

#define SETTING(id) &lb_settings[LB_SETTING_##id]
#define OTHER(name, is_of_member, type) \
    &(const lb_setting_t){ LB_SETTING_COUNT, name, is_of_member, type }

const mgr_field_t mgr_fields[] = {
    { NULL, OTHER("state", true, LB_TEXT), MGR_OPERATE, true, take_state },
    { "w_status_I", SETTING(IGNORE_ERRORS), MGR_OPERATE, true },
    { "w_status_N", SETTING(DRAINING), MGR_OPERATE, true },
    { "w_status_D", SETTING(DISABLED), MGR_OPERATE, true },
    { "w_status_H", SETTING(STANDBY), MGR_OPERATE, true },
    { "w_status_R", SETTING(SPARE), MGR_OPERATE, true },
    { "w_status_C", SETTING(CHECK_FAILED), MGR_OPERATE, true },
    { "w_status_S", SETTING(STOPPED), MGR_OPERATE, true },
    { "w_drain_deadline", SETTING(DRAIN_DEADLINE), MGR_OPERATE },
    { "w_lf", SETTING(WEIGHT), MGR_EDIT },
    { "w_ls", SETTING(LBSET), MGR_EDIT },
    { "w_wr", SETTING(ROUTE), MGR_EDIT, true },
    { "w_rr", SETTING(REDIRECT), MGR_EDIT, true },
    { "w_limit", SETTING(LIMIT), MGR_EDIT },
    { "w_queue_limit", SETTING(QUEUE_LIMIT), MGR_EDIT },
    { "w_queue_timeout", SETTING(QUEUE_TIMEOUT), MGR_EDIT },
    { "w_newaddr", OTHER("address", true, LB_TEXT), MGR_EDIT, false, take_new_address },
    { "b_wdelete", OTHER("remove", true, LB_SWITCH), MGR_EDIT, false, take_removal },
    { "w_reset", OTHER("reset_counters", true, LB_SWITCH), MGR_OPERATE, false, take_reset },
    { NULL, OTHER("scope", true, LB_TEXT), MGR_OPERATE, true, take_scope },
    { "b_lbm", SETTING(LBMETHOD), MGR_EDIT },
    { "b_tmo", SETTING(TIMEOUT), MGR_EDIT },
    { "b_max", SETTING(MAX_ATTEMPTS), MGR_EDIT },
    { "b_sforce", SETTING(NOFAILOVER), MGR_EDIT },
    { "b_ss", SETTING(STICKY), MGR_EDIT, false, take_sticky },
    { "b_reset", OTHER("reset_counters", false, LB_SWITCH), MGR_OPERATE, false, take_reset },
    { NULL, OTHER("scope", false, LB_TEXT), MGR_OPERATE, true, take_scope },
    { NULL }
};

const mgr_field_t *mgr_field_find(const char *json_name, bool is_of_member)
{
    for (const mgr_field_t *field = mgr_fields; field->setting; field++) {
        if (field->setting->is_of_member == is_of_member
            && strcmp(field->setting->name, json_name) == 0) {
            return field;
        }
    }
    return NULL;
}

const char *mgr_field_form_name(lb_setting_id_t id)
{
    const mgr_field_t *field = mgr_fields;

    while (field->setting && field->setting->id != id) {
        field++;
    }
    return field->form_name;
}

/* ---- Taking ---------------------------------------------------------------------------------- */

/* The length of a text is for the balancer to judge. */
static const char *take_setting(apr_pool_t *p, const mgr_field_t *field, const char *text,
                                lb_change_t *change)
{
    const lb_setting_t *setting = field->setting;
    lb_value_t value = { .text = text };
    bool is_on = false;

    if (!*text && !field->takes_empty) {
        return NULL;
    }
    if (setting->type == LB_SWITCH) {
        if (!*text || take_switch(text, &is_on)) {
            return fc_setting_value_refusal(p, setting);
        }
        value.number = is_on;
    }
    else if (setting->type != LB_TEXT && !fc_setting_value_read(setting, text, &value)) {
        return fc_setting_value_refusal(p, setting);
    }
    lb_values_put(&change->values, setting->id, value);
    return NULL;
}

const char *mgr_field_take(apr_pool_t *p, const mgr_field_t *field, const char *value,
                           lb_change_t *change)
{
    for (const char *c = value; *c; c++) {
        if (apr_iscntrl(*c)) {
            return "must not contain control characters";
        }
    }
    return field->take ? field->take(p, value, change) : take_setting(p, field, value, change);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

/* Beyond all our values. */
#define TOO_MUCH 1e12

/* Of a weight two decimals count, of a time milliseconds.
 * returns  -1 for what is beyond all values */
static int64_t number_of_real(const lb_setting_t *setting, double value)
{
    if (!(value >= 0 && value < TOO_MUCH)) {
        return -1;
    }
    return setting->type == LB_DURATION ? 1000 * (int64_t)(value * 1000 + 0.5)
                                        : (int64_t)(value * 100 + 0.005);
}

/* returns  false when it is of another kind */
static bool read_json_number(const lb_setting_t *setting, const json_t *json, int64_t *number)
{
    if (json_is_integer(json)) {
        const json_int_t whole = json_integer_value(json);
        const json_int_t most = setting->type == LB_LIMIT ? LB_LIMIT_MAX : (json_int_t)TOO_MUCH;
        const bool is_too_much = whole < 0 || whole > most;
        *number = is_too_much ? -1 : whole * fc_setting_value_unit(setting);
        return true;
    }
    *number = number_of_real(setting, json_real_value(json));
    return json_is_real(json) && (setting->type == LB_DURATION || setting->type == LB_HUNDREDTHS);
}

static const char *kind_of(lb_setting_type_t type)
{
    switch (type) {
    case LB_LIMIT:
        return "must be a whole number, or \"auto\"";
    case LB_HUNDREDTHS:
        return "must be a number";
    case LB_DURATION:
        return "must be a number of seconds";
    case LB_SWITCH:
        return "must be true or false";
    case LB_TEXT:
        return "must be a string, or null for none";
    default:
        return "must be a whole number";
    }
}

static const char *take_json_number(apr_pool_t *p, const lb_setting_t *setting,
                                    const json_t *json, lb_change_t *change)
{
    lb_value_t value;

    if (!read_json_number(setting, json, &value.number)) {
        return kind_of(setting->type);
    }
    if (!fc_setting_value_is_allowed(setting, value)) {
        return fc_setting_value_refusal(p, setting);
    }
    lb_values_put(&change->values, setting->id, value);
    return NULL;
}

const char *mgr_field_take_json(apr_pool_t *p, const mgr_field_t *field, const json_t *value,
                                lb_change_t *change)
{
    const lb_setting_t *setting = field->setting;
    const char *text = NULL;

    if (setting->type == LB_TEXT) {
        text = json_is_null(value) ? "" : json_string_value(value);
    }
    else if (setting->type == LB_SWITCH) {
        text = json_is_true(value) ? "1" : json_is_false(value) ? "0"
                                                                : NULL;
    }
    else if (setting->type == LB_LIMIT && json_is_string(value)) {
        text = json_string_value(value);
    }
    else {
        return take_json_number(p, setting, value, change);
    }
    if (!text) {
        return kind_of(setting->type);
    }
    if (setting->id == LB_SETTING_STICKY && !*text) {
        text = "-";    /* in a form an empty field leaves it */
    }
    return mgr_field_take(p, field, apr_pstrdup(p, text), change);
}
