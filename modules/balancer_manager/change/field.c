/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* field.c - see field.h.
 * Knows    names, kinds and limits of values.
 * Ignores  where a value came from, and how a change is made (the balancer does it).
 * Memory   the caller's pool.   Threads: any, no state. */
#include "field.h"

#include <stdlib.h>
#include <string.h>

#include "apr_cstr.h"
#include "apr_lib.h"
#include "apr_strings.h"
#include "directive.h"

/* ---- Values ---------------------------------------------------------------------------------- */

/* A whole number from 0 to high; an empty field leaves the number as it is. */
static const char *take_number(apr_pool_t *p, const char *value, int high, int *out)
{
    const size_t digits = strspn(value, "0123456789");

    if (!*value) {
        return NULL;
    }
    if (value[digits] || digits > 9 || atoi(value) > high) {
        return apr_psprintf(p, "must be a whole number from 0 to %d", high);
    }
    *out = atoi(value);
    return NULL;
}

static const char *take_seconds(apr_pool_t *p, const char *value, int high,
                                apr_interval_time_t *out)
{
    int seconds = -1;
    const char *wrong = take_number(p, value, high, &seconds);

    if (seconds >= 0) {
        *out = apr_time_from_sec(seconds);
    }
    return wrong;
}

/* 1 to 100; like stock we take what follows the second decimal and forget it. */
static const char *take_weight(apr_pool_t *p, const char *value, lb_action_t *action)
{
    const size_t whole = strspn(value, "0123456789");
    const char *point = value + whole;
    const size_t decimals = *point == '.' ? strspn(point + 1, "0123456789") : 0;

    if (!*value) {
        return NULL;
    }
    if (whole >= 1 && whole <= 3 && (!*point || (decimals && !point[1 + decimals]))) {
        const int tenths = decimals >= 1 ? point[1] - '0' : 0;
        const int hundredths = decimals >= 2 ? point[2] - '0' : 0;
        const int weight = atoi(value) * 100 + tenths * 10 + hundredths;
        if (weight >= 100 && weight <= 10000) {
            action->weight_hundredths = weight;
            return NULL;
        }
    }
    return "must be a number from 1 to 100, such as 2 or 1.25";
}

static const char *take_lbset(apr_pool_t *p, const char *value, lb_action_t *action)
{
    return take_number(p, value, 99, &action->lbset);
}

static const char *take_limit(apr_pool_t *p, const char *value, lb_action_t *action)
{
    if (apr_cstr_casecmp(value, "auto") == 0) {
        action->limit = LB_LIMIT_AUTO;
        return NULL;
    }
    return take_number(p, value, LB_LIMIT_MAX, &action->limit)
               ? apr_psprintf(p, "must be a whole number from 0 to %d, or auto", LB_LIMIT_MAX)
               : NULL;
}

static const char *take_queue_limit(apr_pool_t *p, const char *value, lb_action_t *action)
{
    return take_number(p, value, LB_LIMIT_MAX, &action->queue_limit);
}

static const char *take_queue_timeout(apr_pool_t *p, const char *value, lb_action_t *action)
{
    int64_t us;

    if (!*value) {
        return NULL;
    }
    if (!fc_directive_duration(value, &us) || us > LB_QUEUE_TIMEOUT_MAX) {
        return "must be a time up to 24h, such as 2 (seconds) or 500ms";
    }
    action->queue_timeout = us;
    return NULL;
}

static const char *take_route(apr_pool_t *p, const char *value, lb_action_t *action)
{
    action->route = value;
    return NULL;
}

static const char *take_redirect(apr_pool_t *p, const char *value, lb_action_t *action)
{
    action->redirect = value;
    return NULL;
}

static const char *take_drain_deadline(apr_pool_t *p, const char *value, lb_action_t *action)
{
    return take_seconds(p, value, 30 * 86400, &action->drain_deadline);
}

static const char *take_lbmethod(apr_pool_t *p, const char *value, lb_action_t *action)
{
    action->lbmethod = *value ? value : NULL;
    return NULL;
}

static const char *take_timeout(apr_pool_t *p, const char *value, lb_action_t *action)
{
    return take_seconds(p, value, 7200, &action->timeout);
}

static const char *take_max_attempts(apr_pool_t *p, const char *value, lb_action_t *action)
{
    return take_number(p, value, 99, &action->max_attempts);
}

static const char *take_nofailover(apr_pool_t *p, const char *value, lb_action_t *action)
{
    return take_number(p, value, 1, &action->nofailover);
}

/* Stock's page used to print "COOKIE | parameter": blanks are not part of either name. */
static const char *take_sticky(apr_pool_t *p, const char *value, lb_action_t *action)
{
    char *packed = apr_palloc(p, strlen(value) + 1);

    apr_collapse_spaces(packed, value);
    action->sticky = *packed ? packed : NULL;
    return NULL;
}

static const char *take_new_address(apr_pool_t *p, const char *value, lb_action_t *action)
{
    action->new_address = *value ? value : NULL;
    return NULL;
}

static const char *take_removal(apr_pool_t *p, const char *value, lb_action_t *action)
{
    return take_number(p, value, 1, &action->remove_member);
}

static const char *take_reset(apr_pool_t *p, const char *value, lb_action_t *action)
{
    return take_number(p, value, 1, &action->reset_counters);
}

/* Of two values for one flag the last counts. */
static void set_flag(lb_action_t *action, char flag, bool is_on)
{
    int i = 0;

    while (action->status[i].flag && action->status[i].flag != flag) {
        i++;
    }
    action->status[i].flag = flag;
    action->status[i].set = is_on;
}

/* One of the three, or none of them. */
static const char *take_state(apr_pool_t *p, const char *value, lb_action_t *action)
{
    static const struct {
        const char *word;
        char flag;
    } states[] = {
        { "ready", 0 },
        { "drain", PROXY_WORKER_DRAIN_FLAG },
        { "disable", PROXY_WORKER_DISABLED_FLAG },
        { "stop", PROXY_WORKER_STOPPED_FLAG },
    };

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (strcmp(value, states[i].word) == 0) {
            for (size_t k = 1; k < sizeof(states) / sizeof(states[0]); k++) {
                set_flag(action, states[k].flag, k == i);
            }
            return NULL;
        }
    }
    return "must be ready, drain, disable or stop";
}

static const char *take_flag(char flag, const char *value, lb_action_t *action)
{
    if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0) {
        return "must be 0 or 1";
    }
    set_flag(action, flag, *value == '1');
    return NULL;
}

/* ---- The list -------------------------------------------------------------------------------- */

const mgr_field_t mgr_fields[] = {
    { NULL, "state", MGR_TEXT, 1, MGR_OPERATE, take_state },
    { "w_status_I", "ignore_errors", MGR_SWITCH, 1, MGR_OPERATE, NULL, 'I' },
    { "w_status_N", "draining", MGR_SWITCH, 1, MGR_OPERATE, NULL, 'N' },
    { "w_status_D", "disabled", MGR_SWITCH, 1, MGR_OPERATE, NULL, 'D' },
    { "w_status_H", "standby", MGR_SWITCH, 1, MGR_OPERATE, NULL, 'H' },
    { "w_status_R", "spare", MGR_SWITCH, 1, MGR_OPERATE, NULL, 'R' },
    { "w_status_C", "health_check_failed", MGR_SWITCH, 1, MGR_OPERATE, NULL, 'C' },
    { "w_status_S", "stopped", MGR_SWITCH, 1, MGR_OPERATE, NULL, 'S' },
    { "w_drain_deadline", "drain_deadline", MGR_WHOLE, 1, MGR_OPERATE, take_drain_deadline },
    { "w_lf", "weight", MGR_NUMBER, 1, MGR_EDIT, take_weight },
    { "w_ls", "lbset", MGR_WHOLE, 1, MGR_EDIT, take_lbset },
    { "w_wr", "route", MGR_TEXT, 1, MGR_EDIT, take_route },
    { "w_rr", "redirect", MGR_TEXT, 1, MGR_EDIT, take_redirect },
    { "w_limit", "limit", MGR_LIMIT, 1, MGR_EDIT, take_limit },
    { "w_queue_limit", "queue_limit", MGR_WHOLE, 1, MGR_EDIT, take_queue_limit },
    { "w_queue_timeout", "queue_timeout", MGR_SECONDS, 1, MGR_EDIT, take_queue_timeout },
    { "w_newaddr", "address", MGR_TEXT, 1, MGR_EDIT, take_new_address },
    { "b_wdelete", "remove", MGR_SWITCH, 1, MGR_EDIT, take_removal },
    { "w_reset", "reset_counters", MGR_SWITCH, 1, MGR_OPERATE, take_reset },
    { "b_lbm", "lbmethod", MGR_TEXT, 0, MGR_EDIT, take_lbmethod },
    { "b_tmo", "timeout", MGR_WHOLE, 0, MGR_EDIT, take_timeout },
    { "b_max", "max_attempts", MGR_WHOLE, 0, MGR_EDIT, take_max_attempts },
    { "b_sforce", "nofailover", MGR_SWITCH, 0, MGR_EDIT, take_nofailover },
    { "b_ss", "sticky", MGR_TEXT, 0, MGR_EDIT, take_sticky },
    { "b_reset", "reset_counters", MGR_SWITCH, 0, MGR_OPERATE, take_reset },
    { NULL }
};

const mgr_field_t *mgr_field_find(const char *json_name, bool is_of_member)
{
    for (const mgr_field_t *field = mgr_fields; field->json_name; field++) {
        if (field->is_of_member == is_of_member && strcmp(field->json_name, json_name) == 0) {
            return field;
        }
    }
    return NULL;
}

/* ---- Taking ---------------------------------------------------------------------------------- */

const char *mgr_field_take(apr_pool_t *p, const mgr_field_t *field, const char *value,
                           lb_action_t *action)
{
    for (const char *c = value; *c; c++) {
        if (apr_iscntrl(*c)) {
            return "must not contain control characters";
        }
    }
    return field->flag ? take_flag(field->flag, value, action) : field->take(p, value, action);
}

/* What is beyond all our values is "-", which none of them takes: APR's printf writes some digits
 * of 1e300 and forgets the others. */
static const char *text_of_real(apr_pool_t *p, double value, int decimals, const char *unit)
{
    return value > -1e12 && value < 1e12 ? apr_psprintf(p, "%.*f%s", decimals, value, unit) : "-";
}

/* As a form would have it.
 * returns  NULL when it is of another kind */
static const char *text_of(apr_pool_t *p, mgr_kind_t kind, const json_t *value)
{
    switch (kind) {
    case MGR_TEXT:
        return json_is_null(value) ? "" : json_string_value(value);
    case MGR_SWITCH:
        return json_is_boolean(value) ? (json_is_true(value) ? "1" : "0") : NULL;
    case MGR_SECONDS:
        if (json_is_real(value)) {
            return text_of_real(p, json_real_value(value) * 1000, 0, "ms");
        }
        break;
    case MGR_NUMBER:
        if (json_is_real(value)) {
            return text_of_real(p, json_real_value(value), 4, "");
        }
        break;
    case MGR_LIMIT:
        if (json_is_string(value)) {
            return strcmp(json_string_value(value), "auto") == 0 ? "auto" : NULL;
        }
        break;
    case MGR_WHOLE:
        break;
    }
    return json_is_integer(value)
               ? apr_psprintf(p, "%" APR_INT64_T_FMT, (apr_int64_t)json_integer_value(value))
               : NULL;
}

const char *mgr_field_take_json(apr_pool_t *p, const mgr_field_t *field, const json_t *value,
                                lb_action_t *action)
{
    static const char *const kinds[] = {
        [MGR_TEXT] = "must be a string, or null for none",
        [MGR_WHOLE] = "must be a whole number",
        [MGR_LIMIT] = "must be a whole number, or \"auto\"",
        [MGR_NUMBER] = "must be a number",
        [MGR_SECONDS] = "must be a number of seconds",
        [MGR_SWITCH] = "must be true or false",
    };
    const char *text = text_of(p, field->kind, value);

    if (!text) {
        return kinds[field->kind];
    }
    if (field->take == take_sticky && !*text) {
        text = "-";    /* in a form an empty field leaves it */
    }
    return mgr_field_take(p, field, apr_pstrdup(p, text), action);
}
