/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* strikes.h - how many failures put a member out, for how long, and which request tries it again.
 * Knows    a sliding window of strikes, bans that grow, one trial at a time.
 * Ignores  members, httpd, clocks (the caller brings `now`), what counts as a failure.
 * Memory   works on a row that the caller shares; keeps nothing.
 * Threads  any, in any number of processes, without a lock.
 *
 * Invariants: `phase` alone says in which phase the row is, and changes only by compare-and-swap,
 * so of many who see the same thing one changes it. A trial that takes long is joined by others,
 * one at a time: together they are one run, and the first of them that ends well or badly settles
 * it. A late end of an earlier run changes nothing. */
#ifndef LB_STRIKES_H
#define LB_STRIKES_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define LB_STRIKES_MAX 16                              /* that the row remembers */
#define LB_STRIKES_WINDOW_MAX (INT64_C(86400) * 1000000)   /* longer windows count as this */

/* A published memory format. Times are monotonic us; writer: any. */
typedef struct {
    _Atomic uint64_t phase;           /* see strikes.c */
    _Atomic int64_t since;            /* when this phase began, 0 = not known; a run: its first */
    _Atomic int64_t climbs_since;     /* slow start: when it came back, 0 = has its full share */
    _Atomic int64_t forgiven_at;      /* soft strikes up to here do not count */
    _Atomic int64_t last_at;          /* of the last strike that was counted */
    _Atomic int64_t ban_us;           /* length of the last ban, 0 = none yet */
    _Atomic uint32_t soft_pending;    /* 1: there may be soft strikes to forgive */
    _Atomic uint32_t is_kept;         /* 1: had strikes enough, but stays in, as the last one */
    _Atomic uint32_t added;           /* strikes ever */
    _Atomic uint32_t first;           /* those before this one do not count */
    _Atomic uint32_t ring[LB_STRIKES_MAX];    /* monotonic ms (31 bits), is it soft (1 bit) */
} lb_strikes_t;
static_assert(sizeof(lb_strikes_t) == 128, "two cache lines: the first one is read by elections");

/* Durations are us, all over 0. */
typedef struct {
    uint32_t max;            /* so many strikes within the window are enough; 1 to LB_STRIKES_MAX */
    int64_t window;
    int64_t first_ban;
    int64_t longest_ban;     /* at least first_ban */
} lb_strike_rules_t;

typedef enum {
    LB_IN_SERVICE,
    LB_BANNED,
    LB_ON_TRIAL     /* a request tries it */
} lb_phase_t;

typedef struct {
    lb_phase_t phase;
    int64_t until;       /* LB_BANNED: when the ban ends */
    int64_t age;         /* LB_ON_TRIAL: us since the trial was claimed, to the ms */
    int64_t run;         /* LB_ON_TRIAL: us since the first of its run was */
    uint32_t owner;      /* LB_ON_TRIAL: the process that claimed it */
    uint64_t word;       /* of the row, as it was read */
} lb_strikes_view_t;

/** What the row says now. */
lb_strikes_view_t lb_strikes_look(const lb_strikes_t *s, int64_t now);

/** Add one strike. What one event breaks is one strike: a try that was under way when the last one
 *  was counted, less than a second ago, adds nothing.
 *  is_soft  perhaps not the member's fault: a success forgives it
 *  began    when the try that failed had begun
 *  returns  how many there are within the window, this one too */
uint32_t lb_strikes_add(lb_strikes_t *s, const lb_strike_rules_t *rules, bool is_soft,
                        int64_t began, int64_t now);

/** How many strikes there are within the window. */
uint32_t lb_strikes_count(const lb_strikes_t *s, const lb_strike_rules_t *rules, int64_t now);

/** A success: soft strikes up to now are forgiven. Cheap when there are none. */
void lb_strikes_forgive(lb_strikes_t *s, int64_t now);

/** Put it out. The first ban has its length by the rules, and each next one twice that of the one
 *  before, unless the member served as long as that one was.
 *  returns  the length of the ban; 0 when it was not in service */
int64_t lb_strikes_ban(lb_strikes_t *s, const lb_strike_rules_t *rules, int64_t now);

/** What is to be known of a ban after a restart.
 *  since, length   0 when it is in service */
void lb_strikes_ban_of(const lb_strikes_t *s, int64_t *since, int64_t *length);

/** Ban it again, as it was before the restart, unless that is over or the row knows better. */
void lb_strikes_ban_again(lb_strikes_t *s, int64_t since, int64_t length, int64_t now);

/** Is the ban of this view over? Also when the clock was set back in the meantime. */
bool lb_strikes_ban_is_over(const lb_strikes_view_t *seen, const lb_strike_rules_t *rules,
                            int64_t now);

/** May another request join a trial? Not in its first two seconds, nor before it has taken as long
 *  as its run had when it was claimed: each costs somebody a time limit when the member hangs. */
bool lb_strikes_trial_is_open(const lb_strikes_view_t *trial);

/** Claim the trial, in whatever phase the row was seen to be in; the caller has judged that it is
 *  time: the ban is over, the trial is open, or its owner is dead.
 *  owner    process id, 22 bits
 *  returns  the claim, to settle it with; 0 when somebody was faster */
uint64_t lb_strikes_claim(lb_strikes_t *s, const lb_strikes_view_t *seen, uint32_t owner,
                          int64_t now);

/** Settle a trial: it went well (back in service, all strikes forgotten), it failed (banned again,
 *  for longer), or it proved nothing (banned, but the ban is over; others of its run go on).
 *  returns  true, or the length of the ban; false or 0 when its run is over, or goes on */
bool lb_strikes_pass(lb_strikes_t *s, uint64_t claim, int64_t now);
int64_t lb_strikes_fail(lb_strikes_t *s, uint64_t claim, const lb_strike_rules_t *rules,
                        int64_t now);
bool lb_strikes_let_go(lb_strikes_t *s, uint64_t claim, int64_t now);

/** Back in service without a trial, all strikes forgotten.
 *  returns  was it out? */
bool lb_strikes_recover(lb_strikes_t *s, int64_t now);

#endif
