/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* share_roster.c - see share_roster.h. */
#include "share_roster.h"

#include <ctype.h>
#include <string.h>

/* returns  the index of the first front that is not before this name */
static uint32_t place_of(const lb_share_roster_t *roster, const char *name)
{
    uint32_t i = 0;

    while (i < roster->count && strcmp(roster->fronts[i].name, name) < 0) {
        i++;
    }
    return i;
}

static bool is_at(const lb_share_roster_t *roster, uint32_t i, const char *name)
{
    return i < roster->count && strcmp(roster->fronts[i].name, name) == 0;
}

lb_roster_front_t *lb_share_roster_find(lb_share_roster_t *roster, const char *name)
{
    const uint32_t i = place_of(roster, name);
    return is_at(roster, i, name) ? &roster->fronts[i] : NULL;
}

/* Of two statements with one counter, the one that forgets: a front that learns it joins again. */
static bool is_news(const lb_roster_front_t *front, const lb_roster_front_t *known)
{
    return front->counter != known->counter ? front->counter > known->counter
                                            : front->is_forgotten && !known->is_forgotten;
}

bool lb_share_roster_add(lb_share_roster_t *roster, const lb_roster_front_t *front, bool *changed)
{
    const uint32_t i = place_of(roster, front->name);

    if (is_at(roster, i, front->name)) {
        if (is_news(front, &roster->fronts[i])) {
            roster->fronts[i] = *front;
            *changed = true;
        }
        return true;
    }
    if (roster->count == LB_SHARE_KNOWN) {
        return false;
    }
    memmove(&roster->fronts[i + 1], &roster->fronts[i],
            (roster->count - i) * sizeof(roster->fronts[0]));
    roster->fronts[i] = *front;
    roster->count++;
    *changed = true;
    return true;
}

bool lb_share_roster_set(lb_share_roster_t *roster, const char *name, bool is_forgotten,
                         bool *changed)
{
    const lb_roster_front_t *known = lb_share_roster_find(roster, name);
    lb_roster_front_t front = { .is_forgotten = is_forgotten,
                                .counter = known ? known->counter + 1 : 1 };

    if (known && known->is_forgotten == is_forgotten) {
        return true;
    }
    strncpy(front.name, name, sizeof(front.name) - 1);
    return lb_share_roster_add(roster, &front, changed);
}

bool lb_share_roster_is_equal(const lb_share_roster_t *a, const lb_share_roster_t *b)
{
    for (uint32_t i = 0; i < a->count && a->count == b->count; i++) {
        if (strcmp(a->fronts[i].name, b->fronts[i].name) != 0
            || a->fronts[i].counter != b->fronts[i].counter
            || a->fronts[i].is_forgotten != b->fronts[i].is_forgotten) {
            return false;
        }
    }
    return a->count == b->count;
}

bool lb_share_roster_is_name(const char *name)
{
    size_t bytes = 0;

    while (name[bytes] && isgraph((unsigned char)name[bytes])) {
        bytes++;
    }
    return bytes > 0 && !name[bytes] && bytes <= LB_SHARE_NAME_MAX;
}
