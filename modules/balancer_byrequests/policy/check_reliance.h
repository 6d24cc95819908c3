/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* check_reliance.h - for how long another front's check of a member stands for our own.
 * Knows    the rule: only while all is well there and here, and for two intervals.
 * Ignores  httpd, who the other front is, when a check is due without it.
 * Memory   none.   Threads: any, no state. */
#ifndef LB_CHECK_RELIANCE_H
#define LB_CHECK_RELIANCE_H

#include <stdbool.h>
#include <stdint.h>

/* Times are monotonic us. */
typedef struct {
    int64_t told_at; /* the other front has told that it passed; 0: nothing, or it failed */
    int64_t interval;          /* of our own checks */
    bool has_passed;           /* our own last check */
    bool is_out;               /* the member is out for its checks, or was never in */
    bool reads_numbers;        /* our own check reads PHP-FPM's numbers, too, which nobody tells */
} lb_check_reliance_t;

/** returns  us for which no check of our own is due; 0: none stands for it */
int64_t lb_check_reliance(const lb_check_reliance_t *facts, int64_t now);

#endif
