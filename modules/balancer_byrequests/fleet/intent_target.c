/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* intent_target.c - see intent_target.h. */
#include "intent_target.h"

#include <string.h>

#include "apr_strings.h"
#include "change_plan.h"
#include "fleet_settings.h"
#include "member_config.h"
#include "setting_value.h"

#define ADDED "+"

/* ---- Names ----------------------------------------------------------------------------------- */

const char *lb_intent_target_balancer_name(const lb_balancer_t *balancer)
{
    return balancer->proxy->s->name + sizeof(BALANCER_PREFIX) - 1;
}

const char *lb_intent_target_vhost(const lb_balancer_t *balancer)
{
    const char *name = lb_intent_target_balancer_name(balancer);
    return lb_change_plan_find_balancer(name, NULL) == balancer ? "" : balancer->vhost;
}

const char *lb_intent_target_member_name(apr_pool_t *p, const lb_member_t *member)
{
    const lb_configured_t *configured = lb_member_configured(member);

    if (configured || lb_member_source(member)) {
        return lb_setting_url(p, configured ? configured->values : member->worker->s);
    }
    return apr_pstrcat(p, ADDED, lb_setting_url(p, member->worker->s), NULL);
}

const char *lb_intent_target_url(const char *member_name)
{
    return *member_name == *ADDED ? member_name + 1 : member_name;
}

/* ---- Finding --------------------------------------------------------------------------------- */

lb_intent_target_t lb_intent_target_of(apr_pool_t *p, lb_balancer_t *balancer,
                                       const lb_member_t *member)
{
    lb_intent_target_t target = { .balancer = balancer };

    if (member) {
        target.member = *member;
        target.now = lb_setting_of_member(p, member->worker->s, member->row);
        target.is_configured = lb_member_config_settings(p, balancer, member->worker->s->index,
                                                         &target.configured);
    }
    else {
        target.now = lb_setting_of_balancer(p, balancer->proxy->s);
        target.configured = lb_setting_of_balancer(p, balancer->baseline);
        target.is_configured = true;
    }
    return target;
}

static bool find_member(apr_pool_t *p, const lb_balancer_t *balancer, const char *name,
                        lb_member_t *member)
{
    for (int i = 0; lb_member_next(balancer, &i, member);) {
        if (!lb_member_leaves(member)
            && strcmp(lb_intent_target_member_name(p, member), name) == 0) {
            return true;
        }
    }
    return false;
}

bool lb_intent_target_shares(const lb_balancer_t *balancer)
{
    return balancer && lb_fleet_settings_shares(balancer->settings->fleet, LB_FLEET_INTENT);
}

lb_intent_target_t lb_intent_target_find(apr_pool_t *p, const lb_intent_t *wish)
{
    const char *vhost = *wish->vhost ? wish->vhost : NULL;
    lb_balancer_t *balancer = lb_change_plan_find_balancer(wish->balancer, vhost);
    lb_member_t member;

    if (!lb_intent_target_shares(balancer)) {
        return (lb_intent_target_t){ 0 };
    }
    if (!*wish->member) {
        return lb_intent_target_of(p, balancer, NULL);
    }
    return find_member(p, balancer, wish->member, &member)
               ? lb_intent_target_of(p, balancer, &member)
               : (lb_intent_target_t){ .balancer = balancer };
}

/* ---- Values ---------------------------------------------------------------------------------- */

static const char *text_of(apr_pool_t *p, const lb_intent_target_t *target,
                           const lb_values_t *values, const char *name)
{
    const lb_setting_t *setting = lb_setting_find(name, target->member.worker != NULL);
    return setting ? fc_setting_value_text(p, setting, values->of[setting->id]) : NULL;
}

const char *lb_intent_target_now(apr_pool_t *p, const lb_intent_target_t *target,
                                 const char *setting)
{
    if (strcmp(setting, LB_SETTING_ADDRESS) == 0) {
        return target->member.worker ? lb_setting_address(p, target->member.worker->s) : NULL;
    }
    return text_of(p, target, &target->now, setting);
}

const char *lb_intent_target_configured(apr_pool_t *p, const lb_intent_target_t *target,
                                        const char *setting)
{
    if (!target->is_configured) {
        return NULL;
    }
    if (strcmp(setting, LB_SETTING_ADDRESS) == 0) {
        const lb_configured_t *configured =
            target->member.worker ? lb_member_configured(&target->member) : NULL;
        return configured ? lb_setting_address(p, configured->values) : NULL;
    }
    return text_of(p, target, &target->configured, setting);
}

/* The deadline of a drain is in no configuration. */
bool lb_intent_target_is_configured_otherwise(apr_pool_t *p, const lb_intent_target_t *target,
                                              const lb_intent_t *wish)
{
    const bool is_deadline =
        strcmp(wish->setting, lb_settings[LB_SETTING_DRAIN_DEADLINE].name) == 0;
    const char *configured = lb_intent_target_configured(
        p, target, is_deadline ? lb_settings[LB_SETTING_DRAINING].name : wish->setting);

    return configured && !(wish->configured && strcmp(configured, wish->configured) == 0);
}

apr_interval_time_t lb_intent_target_drain_left(const lb_intent_target_t *target, apr_time_t now)
{
    const apr_time_t until = target->now.of[LB_SETTING_DRAIN_UNTIL].number;
    const bool is_draining = target->now.of[LB_SETTING_DRAINING].number != 0;

    return is_draining && until > now ? until - now : 0;
}

bool lb_intent_target_travels(const lb_setting_t *setting)
{
    return setting->life == LB_IS_KEPT && setting->id != LB_SETTING_DRAIN_UNTIL;
}
