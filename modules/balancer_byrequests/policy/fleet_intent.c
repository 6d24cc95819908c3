/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_intent.c - see fleet_intent.h. */
#include "fleet_intent.h"

#include <string.h>

#include "invariant.h"

int lb_fleet_intent_order(const lb_intent_stamp_t *a, const lb_intent_stamp_t *b)
{
    if (a->counter != b->counter) {
        return a->counter < b->counter ? -1 : 1;
    }
    return a->counter == 0 ? 0 : strcmp(a->front, b->front);
}

/* ---- Keys ------------------------------------------------------------------------------------ */

int lb_fleet_intent_order_of_objects(const lb_intent_t *a, const lb_intent_t *b)
{
    int order = strcmp(a->balancer, b->balancer);

    order = order ? order : strcmp(a->vhost, b->vhost);
    return order ? order : strcmp(a->member, b->member);
}

static int order_of_keys(const lb_intent_t *a, const lb_intent_t *b)
{
    const int order = lb_fleet_intent_order_of_objects(a, b);
    return order ? order : strcmp(a->setting, b->setting);
}

/* Where the key is, or belongs. */
static size_t place_of(const lb_intents_t *intents, const lb_intent_t *key)
{
    size_t low = 0, high = intents->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (order_of_keys(&intents->entries[middle], key) < 0) {
            low = middle + 1;
        }
        else {
            high = middle;
        }
    }
    return low;
}

lb_intent_t *lb_fleet_intent_find(const lb_intents_t *intents, const lb_intent_t *key)
{
    const size_t at = place_of(intents, key);

    return at < intents->count && order_of_keys(&intents->entries[at], key) == 0
               ? &intents->entries[at]
               : NULL;
}

/* ---- Members that come and go ---------------------------------------------------------------- */

bool lb_fleet_intent_is_membership(const lb_intent_t *intent)
{
    return *intent->member && strcmp(intent->setting, LB_INTENT_MEMBER) == 0;
}

/* Was its member added or removed later? */
static bool is_void(const lb_intents_t *intents, const lb_intent_t *intent)
{
    lb_intent_t key = *intent;

    if (!*intent->member || lb_fleet_intent_is_membership(intent)) {
        return false;
    }
    key.setting = LB_INTENT_MEMBER;
    const lb_intent_t *membership = lb_fleet_intent_find(intents, &key);
    return membership && lb_fleet_intent_order(&intent->stamp, &membership->stamp) < 0;
}

/* ---- Merging --------------------------------------------------------------------------------- */

/* A front that has lost its memory may give out a stamp twice: even then all choose the same. */
static bool is_newer(const lb_intent_t *a, const lb_intent_t *b)
{
    const int order = lb_fleet_intent_order(&a->stamp, &b->stamp);
    return order > 0 || (order == 0 && strcmp(a->value, b->value) > 0);
}

static lb_intent_t *insert(lb_intents_t *intents, size_t at, const lb_intent_t *intent)
{
    FC_INVARIANT(intents->count < intents->room);
    memmove(&intents->entries[at + 1], &intents->entries[at],
            (intents->count - at) * sizeof(*intent));
    intents->entries[at] = *intent;
    intents->count++;
    return &intents->entries[at];
}

/* Drop what the membership of a member has made void.
 * returns  where that one is now */
static lb_intent_t *drop_void(lb_intents_t *intents, const lb_intent_t *membership)
{
    const lb_intent_t key = *membership;
    size_t kept = 0;

    for (size_t i = 0; i < intents->count; i++) {
        const lb_intent_t *e = &intents->entries[i];
        if (lb_fleet_intent_order_of_objects(e, &key) != 0
            || lb_fleet_intent_order(&e->stamp, &key.stamp) >= 0) {
            intents->entries[kept++] = *e;
        }
    }
    intents->count = kept;
    return lb_fleet_intent_find(intents, &key);
}

void lb_fleet_intent_see(lb_intents_t *intents, uint64_t counter)
{
    if (counter > intents->counter) {
        intents->counter = counter;
    }
}

lb_intent_t *lb_fleet_intent_put(lb_intents_t *intents, const lb_intent_t *intent)
{
    const size_t at = place_of(intents, intent);
    lb_intent_t *known = lb_fleet_intent_find(intents, intent);

    lb_fleet_intent_see(intents, intent->stamp.counter);
    if ((known && !is_newer(intent, known)) || is_void(intents, intent)) {
        return NULL;
    }
    if (known) {
        *known = *intent;
    }
    else {
        known = insert(intents, at, intent);
    }
    if (lb_fleet_intent_is_membership(intent)) {
        known = drop_void(intents, known);
    }
    if (FC_IS_CHECKED) {
        lb_fleet_intent_check(intents);
    }
    return known;
}

bool lb_fleet_intent_is_conflict(const lb_intent_t *winner, const lb_intent_t *loser)
{
    return lb_fleet_intent_order(&winner->over, &loser->stamp) < 0
           && lb_fleet_intent_order(&loser->stamp, &winner->stamp) < 0;
}

lb_intent_stamp_t lb_fleet_intent_next(lb_intents_t *intents, const char *front)
{
    return (lb_intent_stamp_t){ ++intents->counter, front };
}

void lb_fleet_intent_check(const lb_intents_t *intents)
{
    FC_INVARIANT(intents->count <= intents->room);
    for (size_t i = 0; i < intents->count; i++) {
        FC_INVARIANT(i == 0 || order_of_keys(&intents->entries[i - 1], &intents->entries[i]) < 0);
        FC_INVARIANT(!is_void(intents, &intents->entries[i]));
        FC_INVARIANT(intents->entries[i].stamp.counter <= intents->counter);
    }
}
