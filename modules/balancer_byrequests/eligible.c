/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* eligible.c - see eligible.h. */
#include "eligible.h"

#include <limits.h>

static bool is_ordinary(const lb_standing_t *m)
{
    return !m->is_spare && !m->is_standby;
}

static bool takes_part(const lb_standing_t *m)
{
    return m->is_usable && !m->is_draining;
}

/* The lowest set above `floor`; floor itself when there is none. */
static int next_set(const lb_standing_t *members, size_t count, int floor)
{
    int next = INT_MAX;
    for (size_t i = 0; i < count; i++) {
        if (members[i].lbset > floor && members[i].lbset < next) {
            next = members[i].lbset;
        }
    }
    return next == INT_MAX ? floor : next;
}

static size_t choose_from_set(const lb_standing_t *members, size_t count, int lbset, size_t *chosen)
{
    size_t n = 0, missing = 0;

    for (size_t i = 0; i < count; i++) {
        if (members[i].lbset == lbset && is_ordinary(&members[i])) {
            if (takes_part(&members[i])) {
                chosen[n++] = i;
            }
            else {
                missing++;
            }
        }
    }
    for (size_t i = 0; i < count && missing > 0; i++) {
        if (members[i].lbset == lbset && members[i].is_spare && takes_part(&members[i])) {
            chosen[n++] = i;
            missing--;
        }
    }
    if (n > 0) {
        return n;
    }
    for (size_t i = 0; i < count; i++) {
        if (members[i].lbset == lbset && members[i].is_standby && !members[i].is_spare
            && takes_part(&members[i])) {
            chosen[n++] = i;
        }
    }
    return n;
}

size_t lb_eligible(const lb_standing_t *members, size_t count, size_t *chosen)
{
    int lbset = INT_MIN;
    for (;;) {
        const int next = next_set(members, count, lbset);
        if (next == lbset) {
            return 0;
        }
        lbset = next;
        const size_t n = choose_from_set(members, count, lbset, chosen);
        if (n > 0) {
            return n;
        }
    }
}
