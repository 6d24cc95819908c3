/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_share.c - see fleet_share.h. */
#include "fleet_share.h"

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

uint32_t lb_share_split(uint32_t limit, uint32_t fronts, uint32_t rank)
{
    return fronts == 0 ? 0 : limit / fronts + (rank < limit % fronts);
}

static uint32_t borrowed_by(const lb_share_part_t *part)
{
    return part->told.share > part->told.floor && !part->is_over
               ? part->told.share - part->told.floor
               : 0;
}

uint32_t lb_share_lent(const lb_share_part_t *part)
{
    return part->told.share < part->told.floor ? part->told.floor - part->told.share : 0;
}

/* ---- What is covered ------------------------------------------------------------------------- */

static bool is_covered_from(const lb_share_part_t *parts, size_t count, uint64_t stamp)
{
    uint64_t lent = 0, borrowed = 0;

    for (size_t i = 0; i < count; i++) {
        if (parts[i].told.stands >= stamp) {
            lent += lb_share_lent(&parts[i]);
            borrowed += borrowed_by(&parts[i]);
        }
    }
    return borrowed <= lent;
}

bool lb_share_is_covered(const lb_share_part_t *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (borrowed_by(&parts[i]) > 0
            && !is_covered_from(parts, count, parts[i].told.stands)) {
            return false;
        }
    }
    return true;
}

static bool is_covered_with(const lb_share_part_t *parts, size_t count, size_t own,
                            const lb_share_told_t *told)
{
    lb_share_part_t changed[LB_SHARE_FRONTS];

    for (size_t i = 0; i < count; i++) {
        changed[i] = parts[i];
    }
    changed[own].told = *told;
    return lb_share_is_covered(changed, count);
}

uint32_t lb_share_most(const lb_share_part_t *parts, size_t count, size_t own, uint32_t at_least,
                       uint32_t at_most, uint64_t lends, uint64_t borrows)
{
    lb_share_told_t told = parts[own].told;

    while (at_least < at_most) {
        told.share = at_least + (at_most - at_least + 1) / 2;
        told.stands = told.share > told.floor ? borrows : lends;
        if (is_covered_with(parts, count, own, &told)) {
            at_least = told.share;
        }
        else {
            at_most = told.share - 1;
        }
    }
    return at_least;
}

uint32_t lb_share_least_floor(const lb_share_part_t *parts, size_t count, size_t own,
                              uint32_t at_least, uint64_t borrows)
{
    lb_share_told_t told = parts[own].told;
    uint32_t at_most = told.floor;

    while (at_least < at_most) {
        told.floor = at_least + (at_most - at_least) / 2;
        told.stands = told.share > told.floor ? borrows : parts[own].told.stands;
        if (is_covered_with(parts, count, own, &told)) {
            at_most = told.floor;
        }
        else {
            at_least = told.floor + 1;
        }
    }
    return at_most;
}

/* ---- What is fair ---------------------------------------------------------------------------- */

/* What the live ones can have together: their floors, without what others still use of them. */
static uint32_t capacity_of(const lb_share_part_t *parts, size_t count)
{
    uint32_t floors = 0, used = 0;

    for (size_t i = 0; i < count; i++) {
        if (parts[i].is_live) {
            floors += smaller(parts[i].told.floor, parts[i].split);
        }
        else {
            used += borrowed_by(&parts[i]);
        }
    }
    return floors > used ? floors - used : 0;
}

/* The level up to which all get what they want, as whole numbers: `more` of those who want more
 * than that get one more each. */
typedef struct {
    uint32_t level, more, left;
} fair_t;

static uint64_t taken_at(const lb_share_part_t *parts, size_t count, uint32_t level)
{
    uint64_t taken = 0;

    for (size_t i = 0; i < count; i++) {
        taken += parts[i].is_live ? smaller(parts[i].told.want, level) : 0;
    }
    return taken;
}

static fair_t fair_level(const lb_share_part_t *parts, size_t count, uint32_t capacity)
{
    uint32_t level = 0, above = capacity + 1;

    while (above - level > 1) {
        const uint32_t middle = level + (above - level) / 2;
        if (taken_at(parts, count, middle) <= capacity) {
            level = middle;
        }
        else {
            above = middle;
        }
    }
    const uint32_t left = capacity - (uint32_t)taken_at(parts, count, level);
    const bool is_enough = taken_at(parts, count, level + 1) == taken_at(parts, count, level);
    return (fair_t){ level, is_enough ? 0 : left, is_enough ? left : 0 };
}

static uint32_t live_before(const lb_share_part_t *parts, size_t own, uint32_t wanting_more_than)
{
    uint32_t n = 0;

    for (size_t i = 0; i < own; i++) {
        n += parts[i].is_live && parts[i].told.want > wanting_more_than;
    }
    return n;
}

static uint32_t need_of(const lb_share_part_t *parts, size_t i, const fair_t *fair)
{
    const uint32_t want = parts[i].told.want;
    return want <= fair->level ? want
                               : fair->level + (live_before(parts, i, fair->level) < fair->more);
}

/* Of what all need, how much is there for none of them?
 * returns  0: they have it, or it is free for them */
static uint32_t missing(const lb_share_part_t *parts, size_t count, const fair_t *fair,
                        uint32_t capacity)
{
    uint64_t held = 0, needed = 0;

    for (size_t i = 0; i < count; i++) {
        if (parts[i].is_live) {
            held += larger(parts[i].told.share, need_of(parts, i, fair));
            needed += need_of(parts, i, fair);
        }
    }
    return held > capacity && held > needed ? (uint32_t)(held - capacity) : 0;
}

uint32_t lb_share_target(const lb_share_part_t *parts, size_t count, size_t own)
{
    const uint32_t capacity = capacity_of(parts, count);
    const fair_t fair = fair_level(parts, count, capacity);
    const uint32_t need = need_of(parts, own, &fair);
    const uint32_t live = live_before(parts, count, 0);
    const uint32_t target = need + lb_share_split(fair.left, live, live_before(parts, own, 0));
    const uint32_t share = parts[own].told.share;
    const bool is_idle = share > parts[own].told.floor && need <= share / 2;

    return share > target && missing(parts, count, &fair, capacity) == 0 && !is_idle ? share
                                                                                     : target;
}
