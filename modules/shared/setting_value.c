/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* setting_value.c - see setting_value.h. */
#include "setting_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apr_cstr.h"
#include "apr_strings.h"
#include "directive.h"

static_assert(LB_DAY_US == FC_TIME_LIMIT_MAX, "queuetimeout and queue_timeout have one range");

#define DIGITS "0123456789"

/* ---- Reading --------------------------------------------------------------------------------- */

/* Nine digits fit into any number. */
static bool read_whole(const char *text, int64_t *number)
{
    const size_t digits = strspn(text, DIGITS);

    if (digits < 1 || digits > 9 || text[digits]) {
        return false;
    }
    *number = atoi(text);
    return true;
}

#define AUTO "auto"

static bool read_limit(const char *text, int64_t *number)
{
    if (apr_cstr_casecmp(text, AUTO) == 0) {
        *number = LB_LIMIT_AUTO;
        return true;
    }
    return read_whole(text, number) && *number <= LB_LIMIT_MAX;
}

/* Like stock we take what follows the second decimal and forget it. */
static bool read_hundredths(const char *text, int64_t *number)
{
    const size_t whole = strspn(text, DIGITS);
    const char *point = text + whole;
    const size_t decimals = *point == '.' ? strspn(point + 1, DIGITS) : 0;

    if (whole < 1 || whole > 9 || (*point && (!decimals || point[1 + decimals]))) {
        return false;
    }
    *number = INT64_C(100) * atoi(text);
    if (decimals >= 1) {
        *number += 10 * (point[1] - '0');
    }
    if (decimals >= 2) {
        *number += point[2] - '0';
    }
    return true;
}

static bool read_seconds(const char *text, int64_t *us)
{
    if (!read_whole(text, us)) {
        return false;
    }
    *us = apr_time_from_sec(*us);
    return true;
}

/* As RFC 3339 has it, in UTC; "" for none. */
static bool read_moment(const char *text, int64_t *moment)
{
    apr_time_exp_t t = { 0 };
    int ms, end = 0;

    if (!*text) {
        *moment = 0;
        return true;
    }
    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &t.tm_year, &t.tm_mon, &t.tm_mday,
               &t.tm_hour, &t.tm_min, &t.tm_sec, &ms, &end)
            != 7
        || text[end]
        || t.tm_mon < 1 || t.tm_mon > 12) {    /* APR before 1.7.1 does not look */
        return false;
    }
    t.tm_year -= 1900;
    t.tm_mon -= 1;
    t.tm_usec = ms * 1000;
    return apr_time_exp_gmt_get(moment, &t) == APR_SUCCESS;
}

static bool read_switch(const char *text, int64_t *number)
{
    *number = strcmp(text, "on") == 0;
    return *number || strcmp(text, "off") == 0;
}

static bool read_number(lb_setting_type_t type, const char *text, int64_t *number)
{
    switch (type) {
    case LB_WHOLE:
        return read_whole(text, number);
    case LB_LIMIT:
        return read_limit(text, number);
    case LB_HUNDREDTHS:
        return read_hundredths(text, number);
    case LB_SECONDS:
        return read_seconds(text, number);
    case LB_DURATION:
        return fc_directive_duration(text, number);
    case LB_MOMENT:
        return read_moment(text, number);
    case LB_SWITCH:
        return read_switch(text, number);
    case LB_TEXT:
        break;
    }
    return false;
}

bool fc_setting_value_read(const lb_setting_t *setting, const char *text, lb_value_t *value)
{
    lb_value_t read = { .text = text };

    if ((setting->type != LB_TEXT && !read_number(setting->type, text, &read.number))
        || !fc_setting_value_is_allowed(setting, read)) {
        return false;
    }
    *value = read;
    return true;
}

/* ---- Ranges ---------------------------------------------------------------------------------- */

bool fc_setting_value_is_allowed(const lb_setting_t *setting, lb_value_t value)
{
    const int64_t number =
        setting->type == LB_TEXT ? (int64_t)strlen(value.text) : value.number;

    return number >= setting->min && number <= setting->max;
}

int64_t fc_setting_value_unit(const lb_setting_t *setting)
{
    switch (setting->type) {
    case LB_HUNDREDTHS:
        return 100;
    case LB_SECONDS:
    case LB_DURATION:
        return APR_USEC_PER_SEC;
    default:
        return 1;
    }
}

const char *fc_setting_value_range(apr_pool_t *p, const lb_setting_t *setting)
{
    const int64_t unit = fc_setting_value_unit(setting);
    const int64_t max = setting->type == LB_LIMIT ? LB_LIMIT_MAX : setting->max;

    return apr_psprintf(p, "%" APR_INT64_T_FMT " to %" APR_INT64_T_FMT, setting->min / unit,
                        max / unit);
}

const char *fc_setting_value_refusal(apr_pool_t *p, const lb_setting_t *setting)
{
    switch (setting->type) {
    case LB_WHOLE:
    case LB_SECONDS:
        return apr_pstrcat(p, "must be a whole number from ", fc_setting_value_range(p, setting),
                           NULL);
    case LB_LIMIT:
        return apr_pstrcat(p, "must be a whole number from ", fc_setting_value_range(p, setting),
                           ", or " AUTO, NULL);
    case LB_HUNDREDTHS:
        return apr_pstrcat(p, "must be a number from ", fc_setting_value_range(p, setting),
                           ", such as 2 or 1.25", NULL);
    case LB_DURATION:
        return apr_psprintf(p, "must be a time up to %dh, such as 2 (seconds) or 500ms",
                            (int)(apr_time_sec(setting->max) / 3600));
    case LB_TEXT:
        return apr_psprintf(p, "is longer than %d characters", (int)setting->max);
    case LB_SWITCH:
        return "must be 0 or 1";
    case LB_MOMENT:
        break;
    }
    return "must be a time of day";
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* A status asks for thousands of them: no printf. */
static const char *text_of_hundredths(apr_pool_t *p, int64_t number)
{
    const int rest = (int)(number % 100);
    return apr_pstrcat(p, apr_itoa(p, (int)(number / 100)), rest < 10 ? ".0" : ".",
                       apr_itoa(p, rest), NULL);
}

static const char *text_of_duration(apr_pool_t *p, int64_t us)
{
    const bool is_whole = us % APR_USEC_PER_SEC == 0;
    return apr_pstrcat(p, apr_ltoa(p, us / (is_whole ? APR_USEC_PER_SEC : 1000)),
                       is_whole ? "s" : "ms", NULL);
}

const char *fc_setting_value_moment(apr_pool_t *p, int64_t moment)
{
    apr_time_exp_t t;

    if (moment == 0 || apr_time_exp_gmt(&t, moment) != APR_SUCCESS) {
        return "";
    }
    return apr_psprintf(p, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", t.tm_year + 1900, t.tm_mon + 1,
                        t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, t.tm_usec / 1000);
}

const char *fc_setting_value_text(apr_pool_t *p, const lb_setting_t *setting, lb_value_t value)
{
    switch (setting->type) {
    case LB_WHOLE:
        return value.number < 0 ? "not set" : apr_ltoa(p, value.number);
    case LB_LIMIT:
        return value.number == LB_LIMIT_AUTO ? AUTO : apr_ltoa(p, value.number);
    case LB_HUNDREDTHS:
        return text_of_hundredths(p, value.number);
    case LB_SECONDS:
        return apr_ltoa(p, apr_time_sec(value.number));
    case LB_DURATION:
        return text_of_duration(p, value.number);
    case LB_MOMENT:
        return fc_setting_value_moment(p, value.number);
    case LB_SWITCH:
        return value.number ? "on" : "off";
    case LB_TEXT:
        break;
    }
    return value.text;
}

bool fc_setting_value_is(const lb_setting_t *setting, lb_value_t a, lb_value_t b)
{
    return setting->type == LB_TEXT ? strcmp(a.text, b.text) == 0 : a.number == b.number;
}
