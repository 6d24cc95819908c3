/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* changes.c - so that page and log tell what was really changed, not what a form repeated.
 * Knows    which settings can be changed at run time.
 * Ignores  forms and parameters.
 * Memory   the caller's pool.   Threads: any, no state. */
#include "changes.h"

#include <string.h>

#include <apr_strings.h>

#include "balancers.h"
#include "member_flag.h"
#include "wording.h"

static const char *on_off(int is_on)
{
    return is_on ? "on" : "off";
}

static const char *lbset(apr_pool_t *p, const lb_member_view_t *member)
{
    return apr_itoa(p, member->lbset);
}

static const char *route(apr_pool_t *p, const lb_member_view_t *member)
{
    return member->route;
}

static const char *redirect(apr_pool_t *p, const lb_member_view_t *member)
{
    return member->redirect;
}

static const char *lbmethod(apr_pool_t *p, const lb_balancer_view_t *balancer)
{
    return balancer->lbmethod;
}

static const char *wait_seconds(apr_pool_t *p, const lb_balancer_view_t *balancer)
{
    return apr_psprintf(p, "%" APR_TIME_T_FMT " s", apr_time_sec(balancer->timeout));
}

static const char *max_attempts(apr_pool_t *p, const lb_balancer_view_t *balancer)
{
    return balancer->max_attempts < 0 ? "not set" : apr_itoa(p, balancer->max_attempts);
}

static const char *nofailover(apr_pool_t *p, const lb_balancer_view_t *balancer)
{
    return on_off(balancer->nofailover);
}

static const struct {
    const char *label;
    const char *(*text)(apr_pool_t *p, const lb_member_view_t *member);
} member_settings[] = {
    {"Load factor", mgr_wording_weight},
    {"LB set", lbset},
    {"Route", route},
    {"Route redirect", redirect},
};

static const struct {
    const char *label;
    const char *(*text)(apr_pool_t *p, const lb_balancer_view_t *balancer);
} balancer_settings[] = {
    {"LB method", lbmethod},
    {"Timeout", wait_seconds},
    {"Failover attempts", max_attempts},
    {"Disable failover", nofailover},
    {"Sticky session", mgr_wording_sticky},
};

static void compare(apr_array_header_t *changes, const char *object, const char *label,
                    const char *before, const char *after)
{
    before = before ? before : "";
    after = after ? after : "";
    if (strcmp(before, after)) {
        APR_ARRAY_PUSH(changes, const char *) =
            apr_psprintf(changes->pool, "%s: %s %s -> %s", object, label, *before ? before : "-",
                         *after ? after : "-");
    }
}

static void compare_members(apr_array_header_t *changes, const lb_member_view_t *before,
                            const lb_member_view_t *after)
{
    apr_pool_t *p = changes->pool;

    for (size_t i = 0; i < sizeof(member_settings) / sizeof(member_settings[0]); i++) {
        compare(changes, after->name, member_settings[i].label, member_settings[i].text(p, before),
                member_settings[i].text(p, after));
    }
    for (int i = 0; i < MGR_MEMBER_FLAG_COUNT; i++) {
        const unsigned int bit = mgr_member_flags[i].bit;
        compare(changes, after->name, mgr_member_flags[i].label,
                on_off((before->status_bits & bit) != 0), on_off((after->status_bits & bit) != 0));
    }
}

static int is_going(const lb_member_view_t *member)
{
    return !member || !strcmp(member->state, "removing");
}

static void list_removed(apr_array_header_t *changes, const lb_balancer_view_t *before,
                         const lb_balancer_view_t *after)
{
    apr_pool_t *p = changes->pool;

    for (int i = 0; i < before->members->nelts; i++) {
        const lb_member_view_t *then = &APR_ARRAY_IDX(before->members, i, lb_member_view_t);
        if (!is_going(then) && is_going(mgr_balancers_find_member(p, after, then->url))) {
            APR_ARRAY_PUSH(changes, const char *) =
                apr_psprintf(p, "%s: member %s removed", after->name, then->name);
        }
    }
}

apr_array_header_t *mgr_changes_list(apr_pool_t *p, const lb_balancer_view_t *before,
                                     const lb_balancer_view_t *after)
{
    apr_array_header_t *changes = apr_array_make(p, 4, sizeof(const char *));

    for (size_t i = 0; i < sizeof(balancer_settings) / sizeof(balancer_settings[0]); i++) {
        compare(changes, after->name, balancer_settings[i].label,
                balancer_settings[i].text(p, before), balancer_settings[i].text(p, after));
    }
    for (int i = 0; i < after->members->nelts; i++) {
        const lb_member_view_t *now = &APR_ARRAY_IDX(after->members, i, lb_member_view_t);
        const lb_member_view_t *then = mgr_balancers_find_member(p, before, now->url);
        if (is_going(now)) {
            continue;
        }
        if (then) {
            compare_members(changes, then, now);
        }
        else {
            APR_ARRAY_PUSH(changes, const char *) =
                apr_psprintf(p, "%s: member %s added", after->name, now->name);
        }
    }
    list_removed(changes, before, after);
    return changes;
}
