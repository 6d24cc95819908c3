/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* eligible.h - in which order members are asked: sets, hot spares, hot standbys, those in error.
 * Knows    the rules of the stock manual for lbset and status +N, +R and +H.
 * Ignores  weights, limits, shared memory, httpd.
 * Memory   keeps nothing.   Threads: any, no state. */
#ifndef LB_ELIGIBLE_H
#define LB_ELIGIBLE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* Nobody of a smaller one is asked while there is anybody of a greater one. */
typedef enum {
    LB_READY_NEVER,       /* switched off, not initialised, tried before, ... */
    LB_READY_AT_LAST,     /* in error: a try is better than a sure 503 */
    LB_READY_LATE,        /* has just said that it has too much to do */
    LB_READY
} lb_readiness_t;

typedef struct {
    int lbset;
    lb_readiness_t readiness;
    bool is_draining;     /* takes requests of its own sessions only */
    bool is_spare;        /* takes the place of one unusable member of its set */
    bool is_standby;      /* takes part when nobody else of its set can */
} lb_standing_t;

#define LB_NO_TURN UINT_MAX

typedef struct {
    unsigned turns;       /* 0: nobody can be asked */
    unsigned open;        /* the first so many: one is asked when those before it have no room */
    lb_readiness_t readiness;    /* of those in them */
} lb_order_t;

/** Give each member that can be asked its turn; members of one turn are equal.
 *  Of the greatest readiness that anybody has, the lowest set is first: its ordinary members and as
 *  many of its spares, in order, as ordinary members are not so ready or draining; its other spares
 *  are next, then its standbys, then the next set. Spares of sets that have no ordinary members
 *  come behind all sets. Then the same with the next readiness.
 *  overflows  all turns of the greatest readiness are open; else the first one is, and spares that
 *             there is nobody to replace have no turn
 *  turn       room for `count`; LB_NO_TURN: never */
lb_order_t lb_eligible(const lb_standing_t *members, size_t count, bool overflows, unsigned *turn);

#endif
