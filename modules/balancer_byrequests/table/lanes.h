/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* lanes.h - who waits in one line: lanes of flows, whose turn comes in rounds, for each priority.
 * Knows    which lane is whose, rounds (fair_turn.h).
 * Ignores  what lines there are (queue.c), who may be served.
 * Memory   lines and lanes of the table.   Threads: all need the table's lock. */
#ifndef LB_LANES_H
#define LB_LANES_H

#include <stdbool.h>

#include "member_table.h"

/** The lane of this flow and priority in this line.
 *  claim    make one when it has none; when so many others wait that none is free, it is the one of
 *           those without a flow
 *  returns  LB_NOBODY: it has none, and none was wanted */
uint32_t lb_lanes_of(lb_table_t *t, uint32_t line, const lb_waiter_t *w, bool claim);

/** Into the lane that w->lane says, and out of it.
 *  was_served   it was its flow's turn, which comes again in the next round */
void lb_lanes_enter(lb_table_t *t, uint32_t line, uint32_t slot);
void lb_lanes_leave(lb_table_t *t, uint32_t line, uint32_t slot, bool was_served);

/** This lane was not served after all: its turn is now. */
void lb_lanes_give_turn_back(lb_table_t *t, uint32_t line, uint32_t priority, uint32_t lane);

/** See queue.h. */
uint32_t lb_lanes_first(lb_table_t *t, uint32_t line, int64_t old_before);
uint32_t lb_lanes_after(lb_table_t *t, uint32_t line, uint32_t slot, int64_t old_before);
bool lb_lanes_is_newest_first(lb_table_t *t, uint32_t lane, int64_t old_before);
uint32_t lb_lanes_least_below(lb_table_t *t, uint32_t line, uint32_t priority);

/** Nobody waits in any lane of a flow; does not touch lines. */
void lb_lanes_clear_flows(lb_table_t *t);

/** The invariants as code.
 *  returns  how many wait in this line */
uint32_t lb_lanes_check(lb_table_t *t, uint32_t line);

#endif
