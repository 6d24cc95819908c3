/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* table_segments.h - the segments of shared memory for member tables, and who has rows in which.
 * Knows    how much room a configuration needs, the keys of rows, generations.
 * Ignores  what stands in a row (member_table.h), mod_proxy's own shared structs (startup.c).
 * Memory   anonymous segments of the process pool: they outlive restarts, and no crash leaves
 *          anything behind.
 * Threads  the parent's one, before the children start. */
#ifndef LB_TABLE_SEGMENTS_H
#define LB_TABLE_SEGMENTS_H

#include "balancer.h"
#include "member_params.h"

/** Begin a generation: make the first segment, or give up the rows that nobody claims any more.
 *  returns  false when there is no memory */
bool lb_table_segments_open(server_rec *main);

/** Claim the rows of a balancer and of all its slots: all in one segment, with one lock.
 *  returns  false when there is no memory */
bool lb_table_segments_claim(server_rec *s, lb_balancer_t *balancer);

/** The segments as this process takes part in them: array of lb_ledger_t *. */
const apr_array_header_t *lb_table_segments_ledgers(server_rec *s);

#endif
