/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* intent_note.c - see intent_note.h.
 *
 * A wish has the value that a setting has after the change. What a change asks for is noted also
 * where it was so already: another front may have another value. All wishes of one request have the
 * same stamp. */
#include "intent_note.h"

#include "apr_strings.h"
#include "change_plan.h"
#include "clock.h"
#include "fleet_settings.h"
#include "intent_keeper.h"
#include "intent_target.h"
#include "membership.h"
#include "setting_value.h"
#include "wall_clock.h"

/* One change, and whom it is about. */
typedef struct {
    const lb_change_t *change;
    lb_balancer_t *balancer;
    const char *member;          /* its name among the fronts; NULL: none */
    bool is_configured;          /* its name stays when it moves */
} noted_t;

struct lb_intent_note_t {
    apr_pool_t *p;
    apr_time_t now;              /* time of day */
    const apr_array_header_t *noted;     /* of noted_t */
};

/* Wishes without stamps, and whether they are for this front alone. */
typedef struct {
    lb_intent_t wish;
    bool stays_here;
} wanted_t;

typedef struct {
    const lb_intent_note_t *note;
    const lb_change_result_t *result;
    const char *by;
    apr_array_header_t *wanted;  /* of wanted_t */
} noting_t;

/* ---- Before ---------------------------------------------------------------------------------- */

static noted_t look_at(apr_pool_t *p, const lb_change_t *change, lb_balancer_t *balancer)
{
    noted_t noted = { .change = change, .balancer = balancer };
    const lb_member_t member = change->member
                                   ? lb_change_plan_find_member(p, balancer, change->member)
                                   : (lb_member_t){ 0 };

    if (member.worker) {
        noted.member = lb_intent_target_member_name(p, &member);
        noted.is_configured = lb_member_configured(&member) != NULL;
    }
    return noted;
}

lb_intent_note_t *lb_intent_note_begin(apr_pool_t *p, const apr_array_header_t *changes)
{
    apr_array_header_t *noted = apr_array_make(p, changes->nelts, sizeof(noted_t));

    if (!lb_fleet_settings()) {
        return NULL;
    }
    for (int i = 0; i < changes->nelts; i++) {
        const lb_change_t *change = &APR_ARRAY_IDX(changes, i, lb_change_t);
        lb_balancer_t *balancer = lb_change_plan_find_balancer(change->balancer, change->vhost);
        if (lb_intent_target_shares(balancer)) {
            APR_ARRAY_PUSH(noted, noted_t) = look_at(p, change, balancer);
        }
    }
    lb_intent_note_t *note = apr_palloc(p, sizeof(*note));
    *note = (lb_intent_note_t){ p, lb_wall_clock_of(fc_now()), noted };
    return note;
}

/* ---- What is wanted now ---------------------------------------------------------------------- */

static void want(const noting_t *noting, const noted_t *noted, const char *member,
                 const char *setting, const char *value, const char *configured)
{
    const lb_balancer_t *balancer = *member ? noted->balancer->owner : noted->balancer;

    APR_ARRAY_PUSH(noting->wanted, wanted_t) = (wanted_t){
        .wish = { .balancer = lb_intent_target_balancer_name(balancer),
                  .vhost = lb_intent_target_vhost(balancer),
                  .member = member,
                  .setting = setting,
                  .value = value,
                  .configured = configured,
                  .by = noting->by,
                  .made_at = noting->note->now },
        .stays_here = noted->change->stays_here,
    };
}

static void want_as_it_is(const noting_t *noting, const noted_t *noted, const char *member,
                          const lb_intent_target_t *target, const char *setting)
{
    apr_pool_t *p = noting->note->p;

    want(noting, noted, member, setting, lb_intent_target_now(p, target, setting),
         lb_intent_target_configured(p, target, setting));
}

/* 0 is only what is 0: it would be a drain without end. */
static apr_time_t whole_seconds(apr_interval_time_t us)
{
    const apr_time_t seconds = apr_time_sec(us + APR_USEC_PER_SEC / 2);
    return us > 0 && seconds == 0 ? 1 : seconds;
}

/* They go together: without the one, the other means nothing. */
static void want_drain(const noting_t *noting, const noted_t *noted, const char *member,
                       const lb_intent_target_t *target)
{
    apr_pool_t *p = noting->note->p;
    const apr_interval_time_t left = lb_intent_target_drain_left(target, noting->note->now);
    const char *draining = lb_settings[LB_SETTING_DRAINING].name;

    want_as_it_is(noting, noted, member, target, draining);
    want(noting, noted, member, lb_settings[LB_SETTING_DRAIN_DEADLINE].name,
         apr_psprintf(p, "%" APR_TIME_T_FMT, whole_seconds(left)),
         lb_intent_target_configured(p, target, draining));
}

/* given    a bit for each setting */
static void want_settings(const noting_t *noting, const noted_t *noted, const char *member,
                          const lb_intent_target_t *target, uint32_t given)
{
    const lb_values_t asked = { .given = given };
    const bool is_of_member = target->member.worker != NULL;

    for (int i = 0; i < LB_SETTING_COUNT; i++) {
        const lb_setting_t *setting = &lb_settings[i];
        if (setting->is_of_member == is_of_member && lb_values_have(&asked, setting->id)
            && setting->id != LB_SETTING_DRAINING && lb_intent_target_travels(setting)) {
            want_as_it_is(noting, noted, member, target, setting->name);
        }
    }
    if (is_of_member
        && (lb_values_have(&asked, LB_SETTING_DRAINING)
            || lb_values_have(&asked, LB_SETTING_DRAIN_DEADLINE))) {
        want_drain(noting, noted, member, target);
    }
}

static void want_membership(const noting_t *noting, const noted_t *noted, const char *member,
                            const char *value)
{
    want(noting, noted, member, LB_INTENT_MEMBER, value, NULL);
}

/* ---- Members --------------------------------------------------------------------------------- */

/* Where it has gone: by what is told of it, as one change of all may move one. */
static lb_member_t moved_member(const noting_t *noting, const noted_t *noted)
{
    const apr_array_header_t *changed = noting->result->changed;

    for (int i = 0; i < changed->nelts; i++) {
        const lb_changed_t *c = &APR_ARRAY_IDX(changed, i, lb_changed_t);
        if (c->kind == LB_MEMBER_MOVED) {
            return lb_change_plan_find_member(noting->note->p, noted->balancer, c->member);
        }
    }
    return (lb_member_t){ 0 };
}

/* One that the configuration has keeps its name, and has another address; another one is a new one,
 * as it is now. */
static void note_move(const noting_t *noting, const noted_t *noted, const lb_member_t *moved)
{
    apr_pool_t *p = noting->note->p;
    const lb_intent_target_t target = lb_intent_target_of(p, noted->balancer, moved);

    if (noted->is_configured) {
        want_as_it_is(noting, noted, noted->member, &target, LB_SETTING_ADDRESS);
        want_settings(noting, noted, noted->member, &target, noted->change->values.given);
        return;
    }
    const char *name = lb_intent_target_member_name(p, moved);
    want_membership(noting, noted, noted->member, LB_INTENT_REMOVED);
    want_membership(noting, noted, name, LB_INTENT_ADDED);
    want_settings(noting, noted, name, &target, target.now.given);
}

static void note_settings(const noting_t *noting, const noted_t *noted, const lb_member_t *member)
{
    apr_pool_t *p = noting->note->p;
    const lb_intent_target_t target = lb_intent_target_of(p, noted->balancer, member);

    want_settings(noting, noted, lb_intent_target_member_name(p, member), &target,
                  noted->change->values.given);
}

static void note_newcomer(const noting_t *noting, const noted_t *noted)
{
    apr_pool_t *p = noting->note->p;
    const lb_member_t member = lb_membership_find(p, noted->balancer, noted->change->new_member);

    if (member.worker) {
        want_membership(noting, noted, lb_intent_target_member_name(p, &member), LB_INTENT_ADDED);
        if (!noted->member) {
            note_settings(noting, noted, &member);
        }
    }
}

static void note_member(const noting_t *noting, const noted_t *noted)
{
    const lb_change_t *change = noted->change;

    if (change->removes_member) {
        want_membership(noting, noted, noted->member, LB_INTENT_REMOVED);
        return;
    }
    const lb_member_t member =
        change->new_address
            ? moved_member(noting, noted)
            : lb_change_plan_find_member(noting->note->p, noted->balancer, change->member);
    if (member.worker && change->new_address) {
        note_move(noting, noted, &member);
    }
    else if (member.worker) {
        note_settings(noting, noted, &member);
    }
}

static void note_change(const noting_t *noting, const noted_t *noted)
{
    const lb_intent_target_t balancer =
        lb_intent_target_of(noting->note->p, noted->balancer, NULL);

    if (noted->change->new_member) {
        note_newcomer(noting, noted);
    }
    if (noted->member) {
        note_member(noting, noted);
    }
    want_settings(noting, noted, "", &balancer, noted->change->values.given);
}

/* ---- Into the wishes of all ------------------------------------------------------------------ */

/* It is done already; the thread looks again all the same, in case that another front's wish for
 * the same has come in between. */
static void put(lb_intents_t *intents, const wanted_t *wanted, const lb_intent_stamp_t *stamp)
{
    lb_intent_t *known = lb_fleet_intent_find(intents, &wanted->wish);

    if (wanted->stays_here) {
        if (known) {
            known->standing = LB_INTENT_OVERRIDDEN;
        }
        return;
    }
    lb_intent_t wish = wanted->wish;
    wish.stamp = *stamp;
    wish.over = known ? known->stamp : (lb_intent_stamp_t){ 0 };
    lb_fleet_intent_put(intents, &wish);
}

static bool add_wishes(lb_intents_t *intents, void *data)
{
    const apr_array_header_t *wanted = data;
    const lb_intent_stamp_t stamp = lb_fleet_intent_next(intents, lb_fleet_settings()->front);

    for (int i = 0; i < wanted->nelts; i++) {
        put(intents, &APR_ARRAY_IDX(wanted, i, wanted_t), &stamp);
    }
    return true;
}

void lb_intent_note_end(const lb_intent_note_t *note, const lb_change_result_t *result,
                        const char *by)
{
    if (!note || result->errors->nelts > 0) {
        return;
    }
    const noting_t noting = { note, result, by, apr_array_make(note->p, 8, sizeof(wanted_t)) };
    for (int i = 0; i < note->noted->nelts; i++) {
        note_change(&noting, &APR_ARRAY_IDX(note->noted, i, noted_t));
    }
    if (noting.wanted->nelts > 0) {
        lb_intent_keeper_edit(note->p, noting.wanted->nelts, add_wishes, noting.wanted);
    }
}
