/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* eligible.h - which members may be elected now: sets, hot spares, hot standbys.
 * Knows    the rules of the stock manual for lbset and status +N, +R and +H.
 * Ignores  weights, shared memory, httpd.   Memory   keeps nothing.   Threads: any, no state. */
#ifndef LB_ELIGIBLE_H
#define LB_ELIGIBLE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    int  lbset;
    bool is_usable;     /* initialised, not stopped, disabled, in error, ... and not tried before */
    bool is_draining;   /* takes requests of its own sessions only */
    bool is_spare;      /* takes the place of one unusable member of its set */
    bool is_standby;    /* takes part when nobody else of its set can */
} lb_standing_t;

/** Choose the candidates of an election.
 *  The lowest set that has any is taken: its usable ordinary members and as many of its spares, in
 *  order, as ordinary members are unusable or draining; when there are none, its standbys.
 *  chosen   room for `count` indices; written in ascending order within each kind
 *  returns  how many were chosen */
size_t lb_eligible(const lb_standing_t *members, size_t count, size_t *chosen);

#endif
