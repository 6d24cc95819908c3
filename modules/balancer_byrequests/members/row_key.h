/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* row_key.h - by which key the rows of a balancer, its members and its free slots are found again
 *             after a restart.
 * Ignores  what stands in a row, and who claims it (table_segments.c). */
#ifndef LB_ROW_KEY_H
#define LB_ROW_KEY_H

#include "balancer.h"

uint64_t lb_row_key_of_balancer(const lb_balancer_t *balancer);

/** The key of a member's row, and of the row of a free slot. */
uint64_t lb_row_key_of_member(const lb_balancer_t *balancer, const proxy_worker_shared *member);
uint64_t lb_row_key_of_slot(const lb_balancer_t *balancer, int slot);

#endif
