/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* check_count.c - see check_count.h. */
#include "check_count.h"

static int one_more(_Atomic uint16_t *count)
{
    const uint16_t now = atomic_load(count);
    const uint16_t next = now < UINT16_MAX ? (uint16_t)(now + 1) : now;
    atomic_store(count, next);
    return next;
}

lb_check_change_t lb_check_count(lb_check_row_t *row, bool has_passed, bool is_out, int hcpasses,
                                 int hcfails)
{
    if (has_passed) {
        atomic_store(&row->fails, 0);
        return one_more(&row->passes) >= hcpasses && is_out ? LB_CHECK_COMES_UP : LB_CHECK_STAYS;
    }
    atomic_store(&row->passes, 0);
    return one_more(&row->fails) >= hcfails && !is_out ? LB_CHECK_GOES_DOWN : LB_CHECK_STAYS;
}

void lb_check_count_busy(lb_check_row_t *row)
{
    one_more(&row->busy);
}
