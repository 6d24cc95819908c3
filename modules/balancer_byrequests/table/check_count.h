/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* check_count.h - counts passed and failed checks in a row, and says when a member goes or comes.
 * Knows    the rule: hcfails in a row put it out of service, hcpasses in a row bring it back.
 * Ignores  what a check is, httpd.
 * Memory   the caller's row.   Threads: one for each row at a time. */
#ifndef LB_CHECK_COUNT_H
#define LB_CHECK_COUNT_H

#include <stdbool.h>

#include "member_table.h"

typedef enum {
    LB_CHECK_STAYS,
    LB_CHECK_GOES_DOWN,
    LB_CHECK_COMES_UP
} lb_check_change_t;

/** Count one check.
 *  is_out    is the member out of service for its checks now?
 *  returns   what follows from it; the caller does it */
lb_check_change_t lb_check_count(lb_check_row_t *row, bool has_passed, bool is_out, int hcpasses,
                                 int hcfails);

/** Count one that found the member busy: what has passed or failed in a row stays as it is. */
void lb_check_count_busy(lb_check_row_t *row);

#endif
