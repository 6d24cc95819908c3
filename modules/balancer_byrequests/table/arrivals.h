/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* arrivals.h - a list of waiters by the order of their arrival.
 * Knows    links between waiter slots, of one of the LB_LISTS kinds.
 * Ignores  what the list is of.
 * Memory   slots of the table.   Threads: all need the table's lock. */
#ifndef LB_ARRIVALS_H
#define LB_ARRIVALS_H

#include "member_table.h"

typedef struct {
    uint32_t *first, *last;
    int kind;                 /* LB_IN_LANE, LB_IN_LINE */
} lb_arrivals_t;

/** Who came last is added at the end at once; for others the place is looked for. */
void lb_arrivals_add(lb_table_t *t, lb_arrivals_t list, uint32_t slot);
void lb_arrivals_remove(lb_table_t *t, lb_arrivals_t list, uint32_t slot);

/** The invariants as code: they stand in their order, forward and backward.
 *  returns  how many */
uint32_t lb_arrivals_check(lb_table_t *t, lb_arrivals_t list);

#endif
