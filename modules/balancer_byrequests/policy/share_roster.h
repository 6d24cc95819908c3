/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* share_roster.h - which fronts a fleet has, and which it has forgotten.
 * Knows    that of two statements about a front the one with the greater counter holds.
 * Ignores  who is to be forgotten, and when.
 * Memory   the caller's; fixed width, for shared memory.   Threads: one at a time. */
#ifndef LB_SHARE_ROSTER_H
#define LB_SHARE_ROSTER_H

#include "fleet_share.h"

#define LB_SHARE_NAME_MAX 64
#define LB_SHARE_KNOWN    64    /* fronts, with those that are forgotten */

typedef struct {
    char name[LB_SHARE_NAME_MAX + 1];
    bool is_forgotten;
    uint32_t counter;
} lb_roster_front_t;

/* By name. */
typedef struct {
    uint32_t count;
    lb_roster_front_t fronts[LB_SHARE_KNOWN];
} lb_share_roster_t;

/** One of the roster; NULL: it does not know it. */
lb_roster_front_t *lb_share_roster_find(lb_share_roster_t *roster, const char *name);

/** Take in a statement about a front.
 *  changed   set when it was news
 *  returns   false: there is no room for one more */
bool lb_share_roster_add(lb_share_roster_t *roster, const lb_roster_front_t *front, bool *changed);

/** This front takes part, or no longer: a statement with a greater counter, unless it is so
 *  already.
 *  returns  false: there is no room for one more */
bool lb_share_roster_set(lb_share_roster_t *roster, const char *name, bool is_forgotten,
                         bool *changed);

bool lb_share_roster_is_equal(const lb_share_roster_t *a, const lb_share_roster_t *b);

/** Is this name good for a record's text? Printable, no blanks, and not too long. */
bool lb_share_roster_is_name(const char *name);

#endif
