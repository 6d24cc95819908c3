/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* srv_order.h - what priority and weight of SRV records (RFC 2782) are in mod_proxy's terms: the
 *               set and the weight of a member.
 * Ignores  DNS, members, httpd.
 * Memory   the caller's.   Threads: any, no state. */
#ifndef LB_SRV_ORDER_H
#define LB_SRV_ORDER_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint16_t priority, weight;
} lb_srv_t;

typedef struct {
    uint32_t set;          /* 0 for the least priority there is, 1 for the next, ... up to 99 */
    uint32_t lbfactor;     /* hundredths, 100 to 10000 */
} lb_srv_place_t;

/** Place all of them. Of one priority the least weight is 1.00, so that members of equal weights
 *  share with configured ones as with each other, and the others are its multiples; if the greatest
 *  would be over 100.00, it is 100.00, and what would be below 1.00 is 1.00. A weight of 0 counts
 *  as 1: the RFC wants it to be chosen hardly ever, but not never.
 *  places   written; room for all */
void lb_srv_order(const lb_srv_t *records, size_t count, lb_srv_place_t *places);

#endif
