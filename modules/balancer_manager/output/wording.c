/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* wording.c - writes values for people.
 * Knows    the units of the contract's views.
 * Ignores  HTML, XML, JSON.
 * Memory   answers live in the caller's pool.   Threads: any, no state. */
#include "wording.h"

#include <string.h>

#include "apr_strings.h"

const char *mgr_wording_weight(apr_pool_t *p, int hundredths)
{
    return apr_psprintf(p, "%d.%02d", hundredths / 100, hundredths % 100);
}

const char *mgr_wording_sticky(apr_pool_t *p, const lb_balancer_view_t *balancer)
{
    if (!*balancer->sticky || !*balancer->sticky_path
        || strcmp(balancer->sticky, balancer->sticky_path) == 0) {
        return balancer->sticky;
    }
    return apr_pstrcat(p, balancer->sticky, "|", balancer->sticky_path, NULL);
}

const char *mgr_wording_time(apr_pool_t *p, apr_time_t at)
{
    apr_time_exp_t utc;

    if (at == 0 || apr_time_exp_gmt(&utc, at) != APR_SUCCESS) {
        return NULL;
    }
    return apr_psprintf(p, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc.tm_year + 1900,
                        utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                        utc.tm_usec / 1000);
}

bool mgr_wording_limit_is_changed(const lb_member_view_t *member)
{
    return member->limit_is_auto != member->config_limit_is_auto
           || member->limit != member->config_limit;
}

const char *mgr_wording_config_limit(apr_pool_t *p, const lb_member_view_t *member)
{
    return member->config_limit_is_auto
               ? "auto"
               : apr_psprintf(p, "%u", (unsigned int)member->config_limit);
}
