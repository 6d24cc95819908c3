/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* intent_apply.c - see intent_apply.h.
 *
 * What has the same stamp and is about the same member goes together, as the operator has asked for
 * it. Nothing is changed, nor written to disk, where all is as it should be. */
#include "intent_apply.h"

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"
#include "change_apply.h"
#include "change_plan.h"
#include "fastcgi_log.h"
#include "fleet_settings.h"
#include "http_log.h"
#include "http_main.h"
#include "intent_target.h"
#include "setting_value.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

#define DEADLINE_SLACK apr_time_from_sec(2)    /* of a drain: it travels in whole seconds */

/* Wishes that go together, and what they come to. */
typedef struct {
    apr_pool_t *p;
    const lb_intents_t *all;
    apr_time_t now;
    lb_intent_t **wishes;
    int count;
    lb_intent_target_t target;
    lb_change_t change;
    bool is_needed;              /* the change changes something */
} group_t;

/* ---- One wish -------------------------------------------------------------------------------- */

static bool is_setting(const lb_intent_t *wish, lb_setting_id_t id)
{
    return strcmp(wish->setting, lb_settings[id].name) == 0;
}

static bool is_on(const lb_intent_t *wish)
{
    return strcmp(wish->value, "on") == 0;
}

static lb_intent_t *find_in_group(const group_t *group, lb_setting_id_t id)
{
    for (int i = 0; i < group->count; i++) {
        if (is_setting(group->wishes[i], id)) {
            return group->wishes[i];
        }
    }
    return NULL;
}

static void need(group_t *group, lb_setting_id_t id, lb_value_t value)
{
    const lb_setting_t *setting = &lb_settings[id];

    lb_values_put(&group->change.values, id, value);
    group->is_needed |= !lb_values_have(&group->target.now, id)
                        || !fc_setting_value_is(setting, group->target.now.of[id], value);
}

static void need_switch(group_t *group, lb_setting_id_t id, bool is_to_be_on)
{
    need(group, id, (lb_value_t){ .number = is_to_be_on });
}

/* returns  false: this version does not have it, or not this value */
static bool take_setting(group_t *group, const lb_intent_t *wish)
{
    const lb_setting_t *setting = lb_setting_find(wish->setting, *wish->member != '\0');
    lb_value_t value;

    if (!setting || !lb_intent_target_travels(setting)) {
        return false;
    }
    if (setting->type == LB_SWITCH) {
        value.number = is_on(wish);
    }
    else if (!fc_setting_value_read(setting, wish->value, &value)) {
        return false;
    }
    need(group, setting->id, value);
    return true;
}

/* ---- Draining -------------------------------------------------------------------------------- */

/* Was it enabled, or disabled, after this drain? */
static bool is_disabling_decided_later(const group_t *group, const lb_intent_t *draining)
{
    lb_intent_t key = *draining;

    key.setting = lb_settings[LB_SETTING_DISABLED].name;
    const lb_intent_t *disabled = lb_fleet_intent_find(group->all, &key);
    return disabled && lb_fleet_intent_order(&disabled->stamp, &draining->stamp) > 0;
}

/* Its time was over before this front knew of it. */
static void end_drain(group_t *group, const lb_intent_t *draining)
{
    need_switch(group, LB_SETTING_DRAINING, false);
    if (!is_disabling_decided_later(group, draining)) {
        need_switch(group, LB_SETTING_DISABLED, true);
    }
}

/* left     us, in whole seconds */
static void drain_for(group_t *group, apr_interval_time_t left)
{
    const apr_interval_time_t here = lb_intent_target_drain_left(&group->target, group->now);

    need_switch(group, LB_SETTING_DRAINING, true);
    if ((left == 0) != (here == 0) || llabs(left - here) > DEADLINE_SLACK) {
        lb_values_put_number(&group->change.values, LB_SETTING_DRAIN_DEADLINE, left);
        group->is_needed = true;
    }
}

static void take_drain(group_t *group, const lb_intent_t *draining)
{
    const lb_intent_t *deadline = find_in_group(group, LB_SETTING_DRAIN_DEADLINE);
    const apr_time_t seconds = deadline ? apr_strtoi64(deadline->value, NULL, 10) : 0;
    const apr_time_t most = apr_time_sec(lb_settings[LB_SETTING_DRAIN_DEADLINE].max);

    if (!is_on(draining)) {
        need_switch(group, LB_SETTING_DRAINING, false);
    }
    else if (seconds <= 0 || seconds > most) {
        drain_for(group, 0);
    }
    else {
        const apr_time_t left = draining->made_at + apr_time_from_sec(seconds) - group->now;
        if (left <= 0) {
            end_drain(group, draining);
        }
        else {
            drain_for(group, apr_time_from_sec(apr_time_sec(left) + 1));
        }
    }
}

/* ---- Members --------------------------------------------------------------------------------- */

/* Another one is there, which is still to be moved, or is configured by now. */
static bool is_taken(const group_t *group, const char *url)
{
    const lb_member_t other = lb_change_plan_find_member(group->p, group->target.balancer, url);
    return other.worker && !lb_member_leaves(&other);
}

/* returns  false: not now */
static bool take_membership(group_t *group, const lb_intent_t *wish)
{
    const char *url = lb_intent_target_url(wish->member);
    const bool is_here = group->target.member.worker != NULL;

    if (strcmp(wish->value, LB_INTENT_ADDED) == 0 && !is_here) {
        if (is_taken(group, url)) {
            return false;
        }
        group->change.new_member = url;
        group->is_needed = true;
    }
    if (strcmp(wish->value, LB_INTENT_REMOVED) == 0 && is_here) {
        group->change.removes_member = true;
        group->is_needed = true;
    }
    return true;
}

static void take_address(group_t *group, const lb_intent_t *wish)
{
    const char *here = lb_intent_target_now(group->p, &group->target, LB_SETTING_ADDRESS);

    if (here && strcmp(here, wish->value) != 0) {
        group->change.new_address = wish->value;
        group->is_needed = true;
    }
}

/* ---- A group --------------------------------------------------------------------------------- */

/* returns  false: not now */
static bool take(group_t *group, const lb_intent_t *wish)
{
    const bool is_member_to_come = group->change.new_member != NULL;

    if ((*wish->member && !group->target.member.worker && !is_member_to_come)
        || lb_intent_target_is_configured_otherwise(group->p, &group->target, wish)) {
        return false;
    }
    if (strcmp(wish->setting, LB_SETTING_ADDRESS) == 0) {
        take_address(group, wish);
        return true;
    }
    if (is_setting(wish, LB_SETTING_DRAINING)) {
        take_drain(group, wish);
        return true;
    }
    return is_setting(wish, LB_SETTING_DRAIN_DEADLINE) || take_setting(group, wish);
}

static void begin_change(group_t *group)
{
    const lb_intent_target_t *target = &group->target;

    group->change.balancer = lb_intent_target_balancer_name(target->balancer);
    group->change.vhost = target->balancer->vhost;
    if (target->member.worker) {
        group->change.member = target->member.worker->s->name_ex;
    }
}

/* Whether the member is to come or to go is to be known first.
 * is_in    written, for each wish: is it in the change? */
static void take_all(group_t *group, bool *is_in)
{
    for (int i = 0; i < group->count; i++) {
        if (lb_fleet_intent_is_membership(group->wishes[i])) {
            is_in[i] = take_membership(group, group->wishes[i]);
        }
    }
    for (int i = 0; i < group->count; i++) {
        if (!lb_fleet_intent_is_membership(group->wishes[i])) {
            is_in[i] = take(group, group->wishes[i]);
        }
    }
}

const char *lb_intent_apply_operator(apr_pool_t *p, const lb_intent_t *wish)
{
    return strcmp(wish->stamp.front, lb_fleet_settings()->front) == 0
               ? wish->by
               : apr_psprintf(p, "%s on %s", wish->by, wish->stamp.front);
}

static void tell(const group_t *group, const apr_array_header_t *changed,
                 apr_array_header_t *heard)
{
    const char *by = lb_intent_apply_operator(group->p, group->wishes[0]);

    for (int i = 0; i < changed->nelts; i++) {
        const lb_changed_t *c = &APR_ARRAY_IDX(changed, i, lb_changed_t);
        APR_ARRAY_PUSH(heard, lb_heard_t) = (lb_heard_t){ .changed = *c, .by = by };
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, ap_server_conf, FCLOGNO(0575)
                     "%s of %s: changed by \"%s\": %s%s%s%s \"%s\" -> \"%s\"", c->balancer,
                     c->vhost, by, c->member ? "member \"" : "", c->member ? c->member : "",
                     c->member ? "\": " : "", c->setting, c->before, c->after);
    }
}

static void warn_of_refusal(const group_t *group, const char *why)
{
    const lb_intent_t *wish = group->wishes[0];

    ap_log_error(
        APLOG_MARK, APLOG_WARNING, 0, ap_server_conf, FCLOGNO(0576)
        "fleet: balancer://%s: what %s wants of %s cannot be done on this front: %s; it is "
        "tried again",
        wish->balancer, lb_intent_apply_operator(group->p, wish),
        *wish->member ? lb_intent_target_url(wish->member) : "it", why);
}

/* returns  what has become of those that were taken */
static lb_intent_standing_t make_change(const group_t *group, apr_array_header_t *heard)
{
    apr_array_header_t *changes = apr_array_make(group->p, 1, sizeof(lb_change_t));

    if (!group->is_needed) {
        return LB_INTENT_DONE;
    }
    APR_ARRAY_PUSH(changes, lb_change_t) = group->change;
    const lb_change_result_t *result = lb_change_apply_all(group->p, ap_server_conf, changes);
    if (result->errors->nelts == 0) {
        tell(group, result->changed, heard);
        return LB_INTENT_DONE;
    }
    if (group->wishes[0]->standing == LB_INTENT_PENDING) {
        warn_of_refusal(group, APR_ARRAY_IDX(result->errors, 0, lb_change_error_t).why);
    }
    return LB_INTENT_REFUSED;
}

static bool apply_group(group_t *group, apr_array_header_t *heard)
{
    bool is_different = false;
    bool *is_in = apr_pcalloc(group->p, (apr_size_t)group->count * sizeof(bool));

    group->target = lb_intent_target_find(group->p, group->wishes[0]);
    if (!group->target.balancer) {
        return false;
    }
    begin_change(group);
    take_all(group, is_in);
    const lb_intent_standing_t standing = make_change(group, heard);
    for (int i = 0; i < group->count; i++) {
        if (is_in[i] && group->wishes[i]->standing != standing) {
            group->wishes[i]->standing = standing;
            is_different = true;
        }
    }
    return is_different;
}

/* ---- All of them ----------------------------------------------------------------------------- */

static bool is_open(const lb_intent_t *wish)
{
    return wish->standing == LB_INTENT_PENDING || wish->standing == LB_INTENT_REFUSED;
}

/* Its member has gone, by DNS for example: when it comes back it is to be as it was. */
static bool reopen(apr_pool_t *p, lb_intent_t *wish)
{
    if (wish->standing != LB_INTENT_DONE || !*wish->member
        || lb_fleet_intent_is_membership(wish)) {
        return false;
    }
    const lb_intent_target_t target = lb_intent_target_find(p, wish);
    if (target.member.worker) {
        return false;
    }
    wish->standing = LB_INTENT_PENDING;
    return true;
}

static int oldest_first(const void *a, const void *b)
{
    const lb_intent_t *one = *(lb_intent_t *const *)a, *other = *(lb_intent_t *const *)b;
    const int order = lb_fleet_intent_order(&one->stamp, &other->stamp);
    return order ? order : lb_fleet_intent_order_of_objects(one, other);
}

static bool goes_with(const lb_intent_t *wish, const lb_intent_t *first)
{
    return lb_fleet_intent_order(&wish->stamp, &first->stamp) == 0
           && lb_fleet_intent_order_of_objects(wish, first) == 0;
}

bool lb_intent_apply_all(apr_pool_t *p, lb_intents_t *intents, apr_time_t now,
                         apr_array_header_t *heard)
{
    lb_intent_t **open = apr_palloc(p, (intents->count + 1) * sizeof(*open));
    int count = 0;
    bool is_different = false;

    for (size_t i = 0; i < intents->count; i++) {
        is_different |= reopen(p, &intents->entries[i]);
        if (is_open(&intents->entries[i])) {
            open[count++] = &intents->entries[i];
        }
    }
    qsort(open, (size_t)count, sizeof(*open), oldest_first);
    for (int i = 0, next; i < count; i = next) {
        for (next = i + 1; next < count && goes_with(open[next], open[i]);) {
            next++;
        }
        group_t group = {
            .p = p, .all = intents, .now = now, .wishes = open + i, .count = next - i
        };
        is_different |= apply_group(&group, heard);
    }
    return is_different;
}
