/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_share.h - one limit over all fronts of a fleet: what each may use of a member's
 *                 maxinflight.
 * Knows    floors, shares, what is lent and borrowed, and whether it is covered.
 * Ignores  the engine, texts, the table: parts are given, and numbers are returned.
 * Memory   none.   Threads: any, no state.
 *
 * Each front has a *floor*, its part of the limit, which it needs nobody for. What it may use now
 * is its *share*: below its floor it lends, above it it borrows, for as long as its lease lasts.
 * Both are told to the others in the front's record in the engine, which stamps each write with
 * the next number.
 *
 * Invariants:
 * 1. What a front uses is never more than what its record says: a decrease is applied first and
 *    told then; an increase is told, answered, and applied then.
 * 2. Lendings and borrowings stand from a stamp on: a borrower uses nothing borrowed from one lease
 *    after that stamp was given, a lender keeps its word for one lease and a margin after it. Each
 *    reckons by its own clock, and takes the bound that is safe (fleet_stamps.h).
 * 3. All that is borrowed is covered: what stands from any stamp on is borrowed from those whose
 *    lending stands from then on, too. Whatever could break this (a greater share, a later stamp
 *    for what is borrowed, another floor) is written only if nothing has been written since the
 *    answer that it was decided on. What cannot break it is written without that condition.
 * 4. The floors of all fronts together are no more than the limit: share_front.h.
 * So the sum of what all fronts use is at most the sum of their floors. */
#ifndef LB_FLEET_SHARE_H
#define LB_FLEET_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a fleet. */
#define LB_SHARE_FRONTS 32

/* What a front tells about one member. */
typedef struct {
    uint64_t member;          /* its key: the same with all fronts */
    uint32_t limit;           /* as this front knows it */
    uint32_t floor, share;
    uint32_t want;            /* in flight, waiting, and one more */
    uint64_t stands;          /* the stamp from which on its lease counts */
} lb_share_told_t;

/* The same, as another front sees it. */
typedef struct {
    lb_share_told_t told;
    uint32_t split;           /* what its floor is to be */
    bool is_live;             /* it has told something lately */
    bool is_over;             /* what it had borrowed it uses no more */
} lb_share_part_t;

/** The floor of one of so many fronts: they split the limit, and nothing is left over.
 *  rank   its place among them, from 0 */
uint32_t lb_share_split(uint32_t limit, uint32_t fronts, uint32_t rank);

/** What a part lends. */
uint32_t lb_share_lent(const lb_share_part_t *part);

/** Invariant 3. */
bool lb_share_is_covered(const lb_share_part_t *parts, size_t count);

/** The largest share of parts[own], up to this one, that is covered.
 *  at_least   returned when no larger one is
 *  lends, borrows   the stamp from which on it would lend or borrow */
uint32_t lb_share_most(const lb_share_part_t *parts, size_t count, size_t own, uint32_t at_least,
                       uint32_t at_most, uint64_t lends, uint64_t borrows);

/** The smallest floor of parts[own], from this one up, with which its share is covered. */
uint32_t lb_share_least_floor(const lb_share_part_t *parts, size_t count, size_t own,
                              uint32_t at_least, uint64_t borrows);

/** The share that parts[own] should have: all get what they want, or as much of it as is fair (the
 *  smallest wants first), and what is left is split. It is the present one as long as nobody is the
 *  worse for it. */
uint32_t lb_share_target(const lb_share_part_t *parts, size_t count, size_t own);

#endif
