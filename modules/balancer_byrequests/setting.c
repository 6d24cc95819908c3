/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* setting.c - see setting.h. */
#include "setting.h"

#include <stdlib.h>

#include "ap_provider.h"
#include "apr_strings.h"
#include "directive.h"

/* ---- Of members ------------------------------------------------------------------------------ */

static const char *weight_text(apr_pool_t *p, const void *shared)
{
    const int hundredths = ((const proxy_worker_shared *)shared)->lbfactor;
    return apr_psprintf(p, "%d.%02d", hundredths / 100, hundredths % 100);
}

static bool set_weight(void *shared, const char *text)
{
    char *end;
    const double weight = strtod(text, &end);

    if (*end || !(weight >= 1 && weight <= 100)) {
        return false;
    }
    ((proxy_worker_shared *)shared)->lbfactor = (int)(weight * 100 + 0.5);
    return true;
}

static const char *lbset_text(apr_pool_t *p, const void *shared)
{
    return apr_itoa(p, ((const proxy_worker_shared *)shared)->lbset);
}

static bool set_lbset(void *shared, const char *text)
{
    return fcgi_directive_count(text, 0, 99, &((proxy_worker_shared *)shared)->lbset);
}

static const char *route_text(apr_pool_t *p, const void *shared)
{
    return apr_pstrdup(p, ((const proxy_worker_shared *)shared)->route);
}

static bool set_route(void *shared, const char *text)
{
    return PROXY_STRNCPY(((proxy_worker_shared *)shared)->route, text) == APR_SUCCESS;
}

static const char *redirect_text(apr_pool_t *p, const void *shared)
{
    return apr_pstrdup(p, ((const proxy_worker_shared *)shared)->redirect);
}

static bool set_redirect(void *shared, const char *text)
{
    return PROXY_STRNCPY(((proxy_worker_shared *)shared)->redirect, text) == APR_SUCCESS;
}

static const char *flag_text(const void *shared, unsigned int bit)
{
    return ((const proxy_worker_shared *)shared)->status & bit ? "on" : "off";
}

static bool set_flag(void *shared, const char *text, unsigned int bit)
{
    unsigned int *status = &((proxy_worker_shared *)shared)->status;

    if (strcmp(text, "on") == 0) {
        __atomic_fetch_or(status, bit, __ATOMIC_SEQ_CST);
        return true;
    }
    __atomic_fetch_and(status, ~bit, __ATOMIC_SEQ_CST);
    return strcmp(text, "off") == 0;
}

#define FLAGS(X)                                       \
    X(ignore_errors, PROXY_WORKER_IGNORE_ERRORS)       \
    X(draining,      PROXY_WORKER_DRAIN)               \
    X(disabled,      PROXY_WORKER_DISABLED)            \
    X(standby,       PROXY_WORKER_HOT_STANDBY)         \
    X(spare,         PROXY_WORKER_HOT_SPARE)           \
    X(stopped,       PROXY_WORKER_STOPPED)

#define X(name, bit)                                                        \
    static const char *name##_text(apr_pool_t *p, const void *shared)       \
    {                                                                       \
        return flag_text(shared, bit);                                      \
    }                                                                       \
    static bool set_##name(void *shared, const char *text)                  \
    {                                                                       \
        return set_flag(shared, text, bit);                                 \
    }
FLAGS(X)
#undef X

const lb_setting_t lb_setting_of_members[] = {
    { "weight", weight_text, set_weight },
    { "lbset", lbset_text, set_lbset },
    { "route", route_text, set_route },
    { "redirect", redirect_text, set_redirect },
#define X(name, bit) { #name, name##_text, set_##name },
    FLAGS(X)
#undef X
    { NULL }
};

const char *lb_setting_address(apr_pool_t *p, const proxy_worker_shared *member)
{
    const bool is_ipv6 = strchr(member->hostname_ex, ':') != NULL;
    return apr_psprintf(p, is_ipv6 ? "[%s]:%d" : "%s:%d", member->hostname_ex, member->port);
}

/* ---- Of balancers ---------------------------------------------------------------------------- */

static const char *lbmethod_text(apr_pool_t *p, const void *shared)
{
    return apr_pstrdup(p, ((const proxy_balancer_shared *)shared)->lbpname);
}

static bool set_lbmethod(void *shared, const char *text)
{
    return ap_lookup_provider(PROXY_LBMETHOD, text, "0")
           && PROXY_STRNCPY(((proxy_balancer_shared *)shared)->lbpname, text) == APR_SUCCESS;
}

static const char *timeout_text(apr_pool_t *p, const void *shared)
{
    const apr_interval_time_t us = ((const proxy_balancer_shared *)shared)->timeout;
    return apr_psprintf(p, "%" APR_TIME_T_FMT, apr_time_sec(us));
}

static bool set_timeout(void *shared, const char *text)
{
    int seconds;

    if (!fcgi_directive_count(text, 0, 7200, &seconds)) {
        return false;
    }
    ((proxy_balancer_shared *)shared)->timeout = apr_time_from_sec(seconds);
    return true;
}

static const char *max_attempts_text(apr_pool_t *p, const void *shared)
{
    const proxy_balancer_shared *s = shared;
    return s->max_attempts_set ? apr_itoa(p, s->max_attempts) : "not set";
}

static bool set_max_attempts(void *shared, const char *text)
{
    proxy_balancer_shared *s = shared;

    if (!fcgi_directive_count(text, 0, 99, &s->max_attempts)) {
        return false;
    }
    s->max_attempts_set = 1;
    return true;
}

static const char *nofailover_text(apr_pool_t *p, const void *shared)
{
    return ((const proxy_balancer_shared *)shared)->sticky_force ? "on" : "off";
}

static bool set_nofailover(void *shared, const char *text)
{
    ((proxy_balancer_shared *)shared)->sticky_force = strcmp(text, "on") == 0;
    return strcmp(text, "on") == 0 || strcmp(text, "off") == 0;
}

static const char *sticky_text(apr_pool_t *p, const void *shared)
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

static bool set_sticky(void *shared, const char *text)
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
