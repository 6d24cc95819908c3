/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* setting.c - see setting.h. */
#include "setting.h"

#include <stdio.h>
#include <stdlib.h>

#include "ap_provider.h"
#include "apr_strings.h"
#include "balancer_action.h"
#include "directive.h"
#include "name_hash.h"
#include "status_word.h"
#include "wall_clock.h"

/* ---- Of members ------------------------------------------------------------------------------ */

static const char *weight_text(apr_pool_t *p, const void *shared, const lb_member_row_t *row)
{
    const int hundredths = ((const proxy_worker_shared *)shared)->lbfactor;
    /* a status asks for thousands of them */
    return apr_pstrcat(p, apr_itoa(p, hundredths / 100), hundredths % 100 < 10 ? ".0" : ".",
                       apr_itoa(p, hundredths % 100), NULL);
}

static bool set_weight(void *shared, lb_member_row_t *row, const char *text)
{
    char *end;
    const double weight = strtod(text, &end);

    if (*end || !(weight >= 1 && weight <= 100)) {
        return false;
    }
    ((proxy_worker_shared *)shared)->lbfactor = (int)(weight * 100 + 0.5);
    return true;
}

static const char *lbset_text(apr_pool_t *p, const void *shared, const lb_member_row_t *row)
{
    return apr_itoa(p, ((const proxy_worker_shared *)shared)->lbset);
}

static bool set_lbset(void *shared, lb_member_row_t *row, const char *text)
{
    return fc_directive_count(text, 0, 99, &((proxy_worker_shared *)shared)->lbset);
}

static const char *route_text(apr_pool_t *p, const void *shared, const lb_member_row_t *row)
{
    return LB_SETTING_COPY(p, ((const proxy_worker_shared *)shared)->route);
}

static bool set_route(void *shared, lb_member_row_t *row, const char *text)
{
    return PROXY_STRNCPY(((proxy_worker_shared *)shared)->route, text) == APR_SUCCESS;
}

static const char *redirect_text(apr_pool_t *p, const void *shared, const lb_member_row_t *row)
{
    return LB_SETTING_COPY(p, ((const proxy_worker_shared *)shared)->redirect);
}

static bool set_redirect(void *shared, lb_member_row_t *row, const char *text)
{
    return PROXY_STRNCPY(((proxy_worker_shared *)shared)->redirect, text) == APR_SUCCESS;
}

static const char *flag_text(const void *shared, unsigned int bit)
{
    return ((const proxy_worker_shared *)shared)->status & bit ? "on" : "off";
}

static bool set_flag(void *shared, const char *text, unsigned int bit)
{
    const bool is_on = strcmp(text, "on") == 0;

    lb_status_word_change(&((proxy_worker_shared *)shared)->status, is_on ? bit : 0, bit);
    return is_on || strcmp(text, "off") == 0;
}

#define FLAGS(X)                                               \
    X(ignore_errors,       PROXY_WORKER_IGNORE_ERRORS, false)  \
    X(draining,            PROXY_WORKER_DRAIN,         false)  \
    X(disabled,            PROXY_WORKER_DISABLED,      false)  \
    X(standby,             PROXY_WORKER_HOT_STANDBY,   false)  \
    X(spare,               PROXY_WORKER_HOT_SPARE,     false)  \
    X(stopped,             PROXY_WORKER_STOPPED,       false)  \
    X(health_check_failed, PROXY_WORKER_HC_FAIL,       true)

#define X(name, bit, is_transient)                                                              \
    static const char *name##_text(apr_pool_t *p, const void *shared, const lb_member_row_t *row) \
    {                                                                                           \
        return flag_text(shared, bit);                                                          \
    }                                                                                           \
    static bool set_##name(void *shared, lb_member_row_t *row, const char *text)                \
    {                                                                                           \
        return set_flag(shared, text, bit);                                                     \
    }
FLAGS(X)
#undef X

/* ---- Of members, in our own row -------------------------------------------------------------- */

    static const char *count_text(apr_pool_t *p, const _Atomic uint32_t *count)
{
    return apr_ltoa(p, (long)atomic_load(count));
}

static bool set_count(_Atomic uint32_t *count, const char *text)
{
    int number;

    if (!fc_directive_count(text, 0, LB_LIMIT_MAX, &number)) {
        return false;
    }
    atomic_store(count, (uint32_t)number);
    return true;
}

static const char *limit_text(apr_pool_t *p, const void *shared, const lb_member_row_t *row)
{
    return atomic_load(&row->limit) == LB_LIMIT_AUTO ? "auto" : count_text(p, &row->limit);
}

static bool set_limit(void *shared, lb_member_row_t *row, const char *text)
{
    if (strcmp(text, "auto") == 0) {
        atomic_store(&row->limit, LB_LIMIT_AUTO);
        return true;
    }
    return set_count(&row->limit, text);
}

static const char *queue_limit_text(apr_pool_t *p, const void *shared, const lb_member_row_t *row)
{
    return count_text(p, &row->queue_limit);
}

static bool set_queue_limit(void *shared, lb_member_row_t *row, const char *text)
{
    return set_count(&row->queue_limit, text);
}

static const char *queue_timeout_text(apr_pool_t *p, const void *shared,
                                      const lb_member_row_t *row)
{
    const int64_t us = atomic_load(&row->queue_timeout);
    return us % APR_USEC_PER_SEC == 0 ? apr_pstrcat(p, apr_ltoa(p, us / 1000000), "s", NULL)
                                      : apr_pstrcat(p, apr_ltoa(p, us / 1000), "ms", NULL);
}

static bool set_queue_timeout(void *shared, lb_member_row_t *row, const char *text)
{
    int64_t us;

    if (!fc_directive_duration(text, &us)) {
        return false;
    }
    atomic_store(&row->queue_timeout, us);
    return true;
}

/* As RFC 3339 has it, in UTC; "" for none. */
static const char *drain_until_text(apr_pool_t *p, const void *shared, const lb_member_row_t *row)
{
    const apr_time_t until = lb_wall_clock_of(atomic_load(&row->drain_until));
    apr_time_exp_t t;

    if (until == 0 || apr_time_exp_gmt(&t, until) != APR_SUCCESS) {
        return "";
    }
    return apr_psprintf(p, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", t.tm_year + 1900, t.tm_mon + 1,
                        t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, t.tm_usec / 1000);
}

static bool set_drain_until(void *shared, lb_member_row_t *row, const char *text)
{
    apr_time_exp_t t = { 0 };
    apr_time_t until = 0;
    int ms, end = 0;

    if (*text) {
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
        if (apr_time_exp_gmt_get(&until, &t) != APR_SUCCESS) {
            return false;
        }
    }
    atomic_store(&row->drain_until, lb_wall_clock_moment(until));
    return true;
}

const lb_setting_t lb_setting_of_members[] = {
    { "weight", weight_text, set_weight },
    { "lbset", lbset_text, set_lbset },
    { "route", route_text, set_route },
    { "redirect", redirect_text, set_redirect },
#define X(name, bit, is_transient) { #name, name##_text, set_##name, is_transient },
    FLAGS(X)
#undef X
    { "drain_until", drain_until_text, set_drain_until },
    { "limit", limit_text, set_limit },
    { "queue_limit", queue_limit_text, set_queue_limit },
    { "queue_timeout", queue_timeout_text, set_queue_timeout },
    { NULL }
};

const char *lb_setting_address(apr_pool_t *p, const proxy_worker_shared *member)
{
    const bool is_ipv6 = strchr(member->hostname_ex, ':') != NULL;
    return apr_psprintf(p, is_ipv6 ? "[%s]:%d" : "%s:%d", member->hostname_ex, member->port);
}

/* ---- Of balancers ---------------------------------------------------------------------------- */

static const char *lbmethod_text(apr_pool_t *p, const void *shared, const lb_member_row_t *row)
{
    return LB_SETTING_COPY(p, ((const proxy_balancer_shared *)shared)->lbpname);
}

static bool set_lbmethod(void *shared, lb_member_row_t *row, const char *text)
{
    return ap_lookup_provider(PROXY_LBMETHOD, text, "0")
           && PROXY_STRNCPY(((proxy_balancer_shared *)shared)->lbpname, text) == APR_SUCCESS;
}

static const char *timeout_text(apr_pool_t *p, const void *shared, const lb_member_row_t *row)
{
    const apr_interval_time_t us = ((const proxy_balancer_shared *)shared)->timeout;
    return apr_psprintf(p, "%" APR_TIME_T_FMT, apr_time_sec(us));
}

static bool set_timeout(void *shared, lb_member_row_t *row, const char *text)
{
    int seconds;

    if (!fc_directive_count(text, 0, 7200, &seconds)) {
        return false;
    }
    ((proxy_balancer_shared *)shared)->timeout = apr_time_from_sec(seconds);
    return true;
}

static const char *max_attempts_text(apr_pool_t *p, const void *shared, const lb_member_row_t *row)
{
    const proxy_balancer_shared *s = shared;
    return s->max_attempts_set ? apr_itoa(p, s->max_attempts) : "not set";
}

static bool set_max_attempts(void *shared, lb_member_row_t *row, const char *text)
{
    proxy_balancer_shared *s = shared;

    if (!fc_directive_count(text, 0, 99, &s->max_attempts)) {
        return false;
    }
    s->max_attempts_set = 1;
    return true;
}

static const char *nofailover_text(apr_pool_t *p, const void *shared, const lb_member_row_t *row)
{
    return ((const proxy_balancer_shared *)shared)->sticky_force ? "on" : "off";
}

static bool set_nofailover(void *shared, lb_member_row_t *row, const char *text)
{
    ((proxy_balancer_shared *)shared)->sticky_force = strcmp(text, "on") == 0;
    return strcmp(text, "on") == 0 || strcmp(text, "off") == 0;
}

static const char *sticky_text(apr_pool_t *p, const void *shared, const lb_member_row_t *row)
{
    const proxy_balancer_shared *s = shared;
    return *s->sticky ? apr_pstrcat(p, s->sticky, "|", s->sticky_path, NULL) : "";
}

void lb_setting_sticky(proxy_balancer_shared *s, const char *value)
{
    if (!*value || strcmp(value, "-") == 0) {
        *s->sticky = *s->sticky_path = '\0';
        return;
    }
    PROXY_STRNCPY(s->sticky, value);
    PROXY_STRNCPY(s->sticky_path, value);
    char *bar = strchr(s->sticky, '|');
    if (bar) {
        PROXY_STRNCPY(s->sticky_path, strchr(value, '|') + 1);
        *bar = '\0';
    }
}

static bool set_sticky(void *shared, lb_member_row_t *row, const char *text)
{
    lb_setting_sticky(shared, text);
    return true;
}

const lb_setting_t lb_setting_of_balancers[] = {
    { "lbmethod", lbmethod_text, set_lbmethod },
    { "timeout", timeout_text, set_timeout },
    { "max_attempts", max_attempts_text, set_max_attempts },
    { "nofailover", nofailover_text, set_nofailover },
    { "sticky", sticky_text, set_sticky },
    { NULL }
};

const lb_setting_t *lb_setting_find(const lb_setting_t *settings, const char *name)
{
    for (; settings->name; settings++) {
        if (strcmp(settings->name, name) == 0) {
            return settings;
        }
    }
    return NULL;
}

uint64_t lb_setting_revision(apr_pool_t *p, const lb_setting_t *settings, const void *shared,
                             const lb_member_row_t *row)
{
    uint64_t h = FC_NAME_HASH_START;

    for (; settings->name; settings++) {
        h = fc_name_hash(h, settings->is_transient ? "" : settings->text(p, shared, row));
    }
    return h ? h : 1;
}
