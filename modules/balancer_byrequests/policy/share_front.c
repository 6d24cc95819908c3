/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* share_front.c - see share_front.h. */
#include "share_front.h"

#include <stdlib.h>
#include <string.h>

#define LB_SHARE_CALLS 6    /* in one turn: many who raise at a time get in each other's way */

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static int64_t later(int64_t time, int64_t by)
{
    return time == LB_STAMPS_TO_COME || time == LB_STAMPS_UNKNOWN ? time : time + by;
}

/* ---- What is known of the others ------------------------------------------------------------- */

static const lb_share_other_t *find_other(const lb_share_front_t *front, const char *name)
{
    for (size_t i = 0; i < front->other_count; i++) {
        if (strcmp(front->others[i].name, name) == 0) {
            return &front->others[i];
        }
    }
    return NULL;
}

static bool is_live(const lb_share_front_t *front, const lb_share_other_t *other, int64_t now)
{
    return later(lb_stamps_not_after(&front->stamps, other->stamp), front->lease / 2) >= now;
}

static bool is_over(const lb_share_front_t *front, uint64_t stands, int64_t now)
{
    return later(lb_stamps_not_after(&front->stamps, stands), front->lease + front->margin) < now;
}

/* Has every front of the roster told its floors in this epoch, with this roster? */
bool lb_share_front_is_agreed(const lb_share_front_t *front)
{
    for (uint32_t i = 0; i < front->roster.count; i++) {
        const lb_roster_front_t *listed = &front->roster.fronts[i];
        const lb_share_other_t *other =
            listed->is_forgotten ? NULL : find_other(front, listed->name);
        if (!listed->is_forgotten
            && (!other || !lb_share_roster_is_equal(&other->record.roster, &front->roster))) {
            return false;
        }
    }
    return true;
}

uint32_t lb_share_front_met(const lb_share_front_t *front)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < front->roster.count; i++) {
        n += !front->roster.fronts[i].is_forgotten;
    }
    return n;
}

/* Among those who know nothing, nobody can say whether there are others. */
static bool may_found(const lb_share_front_t *front, int64_t now)
{
    const int64_t lease = front->lease + front->margin;

    return front->expected > 0
               ? lb_share_front_met(front) >= front->expected
               : now >= front->epoch_since
                            + (lease > LB_SHARE_FOUNDING_US ? lease : LB_SHARE_FOUNDING_US);
}

static bool knows_the_fleet(const lb_share_front_t *front, int64_t now)
{
    bool knows = front->has_joined || may_found(front, now);

    for (size_t i = 0; i < front->other_count && !knows; i++) {
        knows = front->others[i].record.has_joined;
    }
    return knows;
}

/* ---- One member, as all fronts have it ------------------------------------------------------- */

typedef struct {
    lb_share_part_t parts[LB_SHARE_FRONTS + 1];
    size_t count, own;
    uint32_t limit;           /* the smallest that any front knows */
    uint64_t floors;          /* of all that are not forgotten */
    uint64_t borrows;         /* the stamp from which on one can borrow now; 0: from nobody */
} scene_t;

static bool is_listed(const lb_share_front_t *front, const char *name)
{
    for (uint32_t i = 0; i < front->roster.count; i++) {
        if (strcmp(front->roster.fronts[i].name, name) == 0) {
            return !front->roster.fronts[i].is_forgotten;
        }
    }
    return false;
}

/* Who has told something, and nothing about this member, does not use it. */
static bool uses(const lb_share_front_t *front, const lb_roster_front_t *listed, uint64_t member)
{
    const lb_share_other_t *other = find_other(front, listed->name);

    return !listed->is_forgotten
           && (strcmp(listed->name, front->name) == 0 || !other
               || lb_share_record_find(&other->record, member));
}

static uint32_t split_of(const lb_share_front_t *front, const char *name, uint64_t member,
                         uint32_t limit)
{
    uint32_t fronts = 0, rank = 0;

    for (uint32_t i = 0; i < front->roster.count; i++) {
        if (uses(front, &front->roster.fronts[i], member)) {
            rank += strcmp(front->roster.fronts[i].name, name) < 0;
            fronts++;
        }
    }
    return lb_share_split(limit, fronts, rank);
}

/* From the oldest lending on that is still good for half a lease. */
static uint64_t stamp_to_borrow_from(const lb_share_front_t *front, const scene_t *scene,
                                     int64_t now)
{
    uint64_t oldest = 0;

    for (size_t i = 0; i < scene->count; i++) {
        const lb_share_part_t *part = &scene->parts[i];
        if (i != scene->own && lb_share_lent(part) > 0
            && later(lb_stamps_not_before(&front->stamps, part->told.stands), front->lease / 2)
                   >= now
            && (oldest == 0 || part->told.stands < oldest)) {
            oldest = part->told.stands;
        }
    }
    return oldest;
}

static void add_part(scene_t *scene, const lb_share_told_t *told, bool live, bool over)
{
    scene->parts[scene->count++] =
        (lb_share_part_t){ .told = *told, .is_live = live, .is_over = over };
    if (told->limit > 0) {
        scene->limit = smaller(scene->limit, told->limit);
    }
}

static void add_own(const lb_share_member_t *member, scene_t *scene)
{
    scene->own = scene->count;
    add_part(scene, &member->told, true, false);
    scene->parts[scene->own].told.want = member->want;
    scene->floors += member->told.floor;
}

static void add_other(const lb_share_front_t *front, const lb_share_other_t *other,
                      const lb_share_told_t *told, int64_t now, scene_t *scene)
{
    const bool listed = is_listed(front, other->name);

    add_part(scene, told, listed && is_live(front, other, now), is_over(front, told->stands, now));
    /* one that was forgotten and still tells something will see it, and give its floor up itself */
    scene->floors += listed || !is_over(front, other->stamp, now) ? told->floor : 0;
}

/* All parts by the names of their fronts, so that all fronts reckon alike. */
static void look_at(const lb_share_front_t *front, const lb_share_member_t *member, int64_t now,
                    scene_t *scene)
{
    const char *names[LB_SHARE_FRONTS + 1];
    bool has_own = false;

    *scene = (scene_t){ .limit = member->limit };
    for (size_t i = 0; i <= front->other_count; i++) {
        const lb_share_other_t *other = i < front->other_count ? &front->others[i] : NULL;
        const int order = other ? strcmp(other->name, front->name) : 1;
        if (order >= 0 && !has_own) {
            has_own = true;
            names[scene->count] = front->name;
            add_own(member, scene);
        }
        const lb_share_told_t *told =
            other && order != 0 ? lb_share_record_find(&other->record, member->key) : NULL;
        if (told) {
            names[scene->count] = other->name;
            add_other(front, other, told, now, scene);
        }
    }
    for (size_t i = 0; i < scene->count; i++) {
        scene->parts[i].split = split_of(front, names[i], member->key, scene->limit);
    }
    scene->borrows = stamp_to_borrow_from(front, scene, now);
}

/* ---- Plain: what can be given -------------------------------------------------------------- */

static void end_settling(lb_share_member_t *member, int64_t now)
{
    if (member->settles && now >= member->until) {
        member->settles = false;
        member->share = member->floor;
    }
}

/* What it may use from now on. Its word for what it lends it gives anew with each write. */
static void lower(const lb_share_front_t *front, lb_share_member_t *member, int64_t now)
{
    scene_t scene;

    look_at(front, member, now, &scene);
    const uint32_t target = lb_share_target(scene.parts, scene.count, scene.own);
    member->share =
        smaller(lb_share_now(member, now), smaller(member->told.share, target));
    if (member->share < member->told.floor) {
        member->until = front->vouched_until;
    }
}

static void plan_plain(lb_share_front_t *front, int64_t now)
{
    for (size_t i = 0; i < front->count; i++) {
        lb_share_member_t *member = &front->members[i];
        end_settling(member, now);
        if (!member->settles) {
            lower(front, member, now);
        }
    }
}

/* Requests that were there before the share was lowered are still told. */
static void tell_plain(lb_share_front_t *front, lb_share_member_t *member)
{
    const lb_share_told_t *told = &member->told;
    lb_share_told_t *next = &member->next;

    *next = *told;
    if (member->settles) {
        return;
    }
    next->share = smaller(told->share, larger(member->share, member->in_flight));
    front->is_eager |= next->share > member->share;
    if (next->share == next->floor) {
        next->stands = 0;
    }
    else if (next->share < next->floor && member->in_flight <= next->share) {
        next->stands = front->own_stamp;
    }
}

/* ---- Raise: what can be taken ---------------------------------------------------------------- */

/* returns  the floor that it may have at once */
static uint32_t floor_of(const lb_share_front_t *front, const scene_t *scene, uint32_t in_flight,
                         int64_t now)
{
    const lb_share_part_t *own = &scene->parts[scene->own];
    const uint32_t floor = own->told.floor;

    if (!lb_share_front_is_agreed(front)) {
        return floor;
    }
    if (own->split < floor) {
        return lb_share_least_floor(scene->parts, scene->count, scene->own,
                                    larger(own->split, in_flight), scene->borrows);
    }
    const uint64_t room = scene->limit > scene->floors ? scene->limit - scene->floors : 0;
    return knows_the_fleet(front, now)
               ? floor + (uint32_t)(room < own->split - floor ? room : own->split - floor)
               : floor;
}

/* The lease of what it has borrowed goes on, if that is still covered. */
static void extend(const lb_share_front_t *front, scene_t *scene, int64_t now)
{
    lb_share_told_t *told = &scene->parts[scene->own].told;
    const uint64_t before = told->stands;

    if (told->share > told->floor && scene->borrows > before
        && later(lb_stamps_not_before(&front->stamps, before), front->lease / 2) < now) {
        told->stands = scene->borrows;
        if (!lb_share_is_covered(scene->parts, scene->count)) {
            told->stands = before;
        }
    }
}

/* returns  is there anything to raise? */
static bool plan_raise(lb_share_front_t *front, lb_share_member_t *member, int64_t now)
{
    scene_t scene;

    look_at(front, member, now, &scene);
    lb_share_told_t *told = &scene.parts[scene.own].told;
    const lb_share_told_t before = *told;
    const uint32_t target = lb_share_target(scene.parts, scene.count, scene.own);
    const uint64_t lends =
        member->in_flight <= before.share ? front->own_stamp : before.stands;

    told->floor = floor_of(front, &scene, member->in_flight, now);
    if (told->floor > before.floor) {
        told->share += told->floor - before.floor;
    }
    if (told->share != told->floor) {
        told->stands = told->share < told->floor     ? lends
                       : before.share > before.floor ? before.stands
                                                     : scene.borrows;
    }
    const uint32_t most = smaller(target, scene.borrows > 0 ? UINT32_MAX : told->floor);
    const uint32_t share = told->share;
    if (most > share) {
        told->share = lb_share_most(scene.parts, scene.count, scene.own, share, most, lends,
                                    scene.borrows);
        if (told->share > share) {
            told->stands = told->share > told->floor ? scene.borrows : lends;
        }
    }
    extend(front, &scene, now);
    if (told->share == told->floor) {
        told->stands = 0;
    }
    member->next = *told;
    front->is_eager |= told->share < target;
    return told->share > before.share || told->floor != before.floor
           || (told->share > told->floor && told->stands > before.stands);
}

/* A floor that it lowers is lowered before, and its word for what it lends is given anew. */
static void apply_before_raise(lb_share_front_t *front, lb_share_member_t *member)
{
    front->is_changed |= member->next.floor < member->floor;
    member->floor = smaller(member->floor, member->next.floor);
    if (member->next.share < member->next.floor) {
        member->until = front->vouched_until;
    }
}

static bool plan_raises(lb_share_front_t *front, int64_t now)
{
    bool any = false;

    for (size_t i = 0; i < front->count; i++) {
        lb_share_member_t *member = &front->members[i];
        member->next = member->told;
        if (!member->settles && !front->is_unclear) {
            any |= plan_raise(front, member, now);
            apply_before_raise(front, member);
        }
    }
    return any;
}

/* ---- Planning and telling -------------------------------------------------------------------- */

void lb_share_front_begin(lb_share_front_t *front)
{
    front->kind = front->knows ? LB_SHARE_PLAIN : LB_SHARE_READ;
    front->calls = 0;
    front->is_eager = false;
}

bool lb_share_front_plan(lb_share_front_t *front, int64_t now)
{
    front->vouched_until = front->answered_at + front->lease + front->margin;
    if (front->kind == LB_SHARE_PLAIN) {
        plan_plain(front, now);
    }
    return ++front->calls <= LB_SHARE_CALLS && front->kind != LB_SHARE_DONE
           && (front->kind != LB_SHARE_RAISE || plan_raises(front, now));
}

size_t lb_share_front_tell(lb_share_front_t *front, char *text)
{
    lb_share_record_t record = { .has_joined = front->has_joined,
                                 .roster = front->roster,
                                 .members = front->telling,
                                 .count = front->count };

    if (front->kind == LB_SHARE_READ) {
        return 0;
    }
    for (size_t i = 0; i < front->count; i++) {
        lb_share_member_t *member = &front->members[i];
        if (front->kind == LB_SHARE_PLAIN) {
            tell_plain(front, member);
        }
        member->next.member = member->key;
        member->next.limit = member->limit;
        member->next.want = member->want;
        record.settles |= member->settles;
        front->telling[i] = member->next;
    }
    return lb_share_record_write(&record, text);
}

/* ---- Answers --------------------------------------------------------------------------------- */

/* Nothing is told in this epoch yet: what it uses by the one before lasts until it is over. */
static void begin_anew(lb_share_front_t *front, int64_t now)
{
    for (size_t i = 0; i < front->count; i++) {
        lb_share_member_t *member = &front->members[i];
        member->settles = lb_share_now(member, now) != member->floor;
        member->is_new = false;
        member->told = (lb_share_told_t){ .floor = member->floor, .share = member->floor };
    }
}

static void begin_epoch(lb_share_front_t *front, const lb_share_answer_t *answer)
{
    strncpy(front->epoch, answer->epoch, sizeof(front->epoch) - 1);
    front->is_changed = true;
    front->stamps.count = 0;
    front->own_stamp = 0;
    front->epoch_since = answer->received;
    begin_anew(front, answer->received);
}

/* What it has told before httpd was restarted holds, if it has told all. */
static void adopt(lb_share_front_t *front, lb_share_member_t *member, bool settles, int64_t now)
{
    member->is_new = false;
    member->settles = settles;
    if (!settles) {
        member->floor = member->told.floor;
        member->share = smaller(member->told.share, member->told.floor);
        member->until = now + front->lease + front->margin;
        front->is_changed = true;
    }
}

/* The record is not the last that this process knows of: that of a write whose answer was lost,
 * or of another process. */
static void read_own(lb_share_front_t *front, const lb_share_other_t *own, int64_t now)
{
    for (size_t i = 0; i < front->count; i++) {
        lb_share_member_t *member = &front->members[i];
        const lb_share_told_t *told = lb_share_record_find(&own->record, member->key);
        member->told = told ? *told : (lb_share_told_t){ 0 };
        if (!told) {
            member->floor = member->share = 0;
            member->settles = member->is_new = false;
        }
        else if (member->is_new) {
            adopt(front, member, own->record.settles, now);
        }
        else if (!front->knows) {    /* another process has planned it */
            member->settles = member->told.share == member->told.floor
                              && lb_share_now(member, now) != member->floor;
        }
    }
}

static void apply_raise(lb_share_front_t *front, lb_share_member_t *member)
{
    member->share = member->told.share;
    member->until =
        member->share > member->told.floor
            ? later(lb_stamps_not_before(&front->stamps, member->told.stands), front->lease)
            : front->vouched_until;
}

/* It was written: what was told may be used. */
static void accept(lb_share_front_t *front)
{
    for (size_t i = 0; i < front->count; i++) {
        lb_share_member_t *member = &front->members[i];
        member->told = member->next;
        if (!member->settles) {
            front->is_changed |= member->floor != member->told.floor;
            member->floor = member->told.floor;
            if (front->kind == LB_SHARE_RAISE) {
                apply_raise(front, member);
            }
        }
    }
}

static void learn_roster(lb_share_front_t *front)
{
    for (size_t i = 0; i < front->other_count; i++) {
        const lb_share_roster_t *roster = &front->others[i].record.roster;
        for (uint32_t k = 0; k < roster->count; k++) {
            front->is_unclear |=
                !lb_share_roster_add(&front->roster, &roster->fronts[k], &front->is_changed);
        }
    }
}

/* It was forgotten, so its floors are others' by now: it joins like a new one. */
static void join(lb_share_front_t *front)
{
    const lb_roster_front_t *own = lb_share_roster_find(&front->roster, front->name);

    for (size_t i = 0; own && own->is_forgotten && i < front->count; i++) {
        lb_share_member_t *member = &front->members[i];
        member->floor = member->share = 0;
        member->told.floor = member->told.share = 0;
        member->settles = false;
    }
    front->is_unclear |=
        !lb_share_roster_set(&front->roster, front->name, false, &front->is_changed);
}

static void note_joined(lb_share_front_t *front, int64_t now)
{
    if (!front->has_joined && front->own_stamp > 0 && lb_share_front_is_agreed(front)
        && knows_the_fleet(front, now)) {
        front->has_joined = true;
        front->is_changed = true;
    }
}

/* Would it lower a share by what it has just learnt? */
static bool would_lower(const lb_share_front_t *front, int64_t now)
{
    scene_t scene;

    for (size_t i = 0; i < front->count; i++) {
        const lb_share_member_t *member = &front->members[i];
        look_at(front, member, now, &scene);
        if (!member->settles
            && lb_share_target(scene.parts, scene.count, scene.own) < member->share) {
            return true;
        }
    }
    return false;
}

static lb_share_kind_t kind_after(const lb_share_front_t *front, const lb_share_answer_t *answer)
{
    if (!answer->is_written) {
        return front->kind == LB_SHARE_RAISE ? LB_SHARE_RAISE : LB_SHARE_PLAIN;
    }
    if (front->kind == LB_SHARE_RAISE) {
        return LB_SHARE_DONE;
    }
    return would_lower(front, answer->received) ? LB_SHARE_PLAIN : LB_SHARE_RAISE;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const lb_share_other_t *)a)->name, ((const lb_share_other_t *)b)->name);
}

void lb_share_front_take(lb_share_front_t *front, const lb_share_answer_t *answer)
{
    qsort(front->others, front->other_count, sizeof(front->others[0]), by_name);

    const bool is_same_epoch = strcmp(answer->epoch, front->epoch) == 0;
    const lb_share_other_t *own = find_other(front, front->name);
    const uint64_t own_stamp = own ? own->stamp : 0;

    if (!is_same_epoch) {
        begin_epoch(front, answer);
    }
    lb_stamps_note(&front->stamps, answer->stamp, answer->sent, answer->received,
                   front->lease + front->margin);
    if (is_same_epoch && answer->is_written) {
        accept(front);
    }
    else if (own && (own_stamp != front->own_stamp || !front->knows)) {
        read_own(front, own, answer->received);
    }
    else if (!own && is_same_epoch && !front->knows) {
        begin_anew(front, answer->received);
    }
    front->own_stamp = own_stamp;
    front->answered_at = answer->received;
    front->stamp = answer->stamp;
    front->knows = true;
    learn_roster(front);
    join(front);
    note_joined(front, answer->received);
    front->kind = kind_after(front, answer);
}

void lb_share_front_forget_state(lb_share_front_t *front)
{
    front->knows = false;
    front->own_stamp = 0;
    front->other_count = 0;
    front->stamps.count = 0;
}

bool lb_share_front_forget(lb_share_front_t *front, const char *name)
{
    return strcmp(name, front->name) != 0 && lb_share_roster_find(&front->roster, name)
           && lb_share_roster_set(&front->roster, name, true, &front->is_changed);
}

const lb_share_other_t *lb_share_front_gone(const lb_share_front_t *front, int64_t now)
{
    for (size_t i = 0; i < front->other_count; i++) {
        if (!is_listed(front, front->others[i].name)
            && is_over(front, front->others[i].stamp, now)) {
            return &front->others[i];
        }
    }
    return NULL;
}
