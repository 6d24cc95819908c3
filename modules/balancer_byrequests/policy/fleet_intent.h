/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_intent.h - what operators want of a fleet's balancers, as each of its fronts knows it.
 * Knows    who wins: for each setting the one that was made last, by a logical stamp.
 * Ignores  what a setting is, how fronts hear of each other, clocks, httpd.
 * Memory   the caller's: the entries' array and all texts, which are not copied.
 * Threads  any, no state.
 *
 * A stamp is a Lamport clock: who wants something counts on from the greatest number it has seen.
 * Of two that were made without knowing of each other, the one of the front with the greater name
 * wins, everywhere. A member that is added or removed is a new one: what was wanted of it before is
 * void. So merging is commutative, associative and idempotent, and fronts that have heard of the
 * same wishes agree, in whatever order they came, and how often.
 *
 * Invariant: entries are in the order of their keys, each key once, and none is void. */
#ifndef LB_FLEET_INTENT_H
#define LB_FLEET_INTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t counter;          /* 0: none */
    const char *front;
} lb_intent_stamp_t;

/* What has become of a wish on this front; no other front hears of it. */
typedef enum {
    LB_INTENT_PENDING,         /* it is still to be made so */
    LB_INTENT_REFUSED,         /* likewise, and that it could not be was said */
    LB_INTENT_DONE,
    LB_INTENT_OVERRIDDEN       /* a later change is for this front alone */
} lb_intent_standing_t;

/* One wish. Texts are never NULL, but for `configured`. */
typedef struct {
    /* its key */
    const char *balancer;
    const char *vhost;         /* "": of the balancers of that name the first one */
    const char *member;        /* "": the balancer itself */
    const char *setting;

    const char *value;
    const char *configured;    /* what it replaces in the configuration; NULL: that has none */
    const char *by;            /* the operator */
    lb_intent_stamp_t stamp;
    lb_intent_stamp_t over;    /* of the wish that it replaced when it was made */
    int64_t made_at;           /* us since 1970, by the clock of this front; decides nothing */

    lb_intent_standing_t standing;
    lb_intent_stamp_t told;    /* the last one that has lost to it, and whose loss was told */
} lb_intent_t;

/* All of them. */
typedef struct {
    lb_intent_t *entries;
    size_t count, room;
    uint64_t counter;          /* the greatest that was ever seen */
} lb_intents_t;

/* The setting that says whether a member is there, and its values. */
#define LB_INTENT_MEMBER  "member"
#define LB_INTENT_ADDED   "added"
#define LB_INTENT_REMOVED "removed"

/* Beyond it no stamp is believed: from there on nobody could count. */
#define LB_INTENT_COUNTER_MAX (UINT64_C(1) << 62)

/** Which is older?
 *  returns  < 0, 0 or > 0, as strcmp() */
int lb_fleet_intent_order(const lb_intent_stamp_t *a, const lb_intent_stamp_t *b);

/** By what they are about: balancer, virtual host and member.
 *  returns  < 0, 0 or > 0, as strcmp() */
int lb_fleet_intent_order_of_objects(const lb_intent_t *a, const lb_intent_t *b);

/** Is it that a member is added or removed? */
bool lb_fleet_intent_is_membership(const lb_intent_t *wish);

/** The wish with the key of another one; NULL: there is none. */
lb_intent_t *lb_fleet_intent_find(const lb_intents_t *intents, const lb_intent_t *key);

/** Another front has seen this counter: what is void does not tell it any more. */
void lb_fleet_intent_see(lb_intents_t *intents, uint64_t counter);

/** Merge one wish. There is room for it.
 *  returns  the entry that it has become; NULL: it was known already, or is older */
lb_intent_t *lb_fleet_intent_put(lb_intents_t *intents, const lb_intent_t *intent);

/** Was the winner made without knowing of the loser? */
bool lb_fleet_intent_is_conflict(const lb_intent_t *winner, const lb_intent_t *loser);

/** The stamp for what is wanted next on this front. */
lb_intent_stamp_t lb_fleet_intent_next(lb_intents_t *intents, const char *front);

/** The invariant as code. */
void lb_fleet_intent_check(const lb_intents_t *intents);

#endif
