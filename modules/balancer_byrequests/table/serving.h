/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* serving.h - gives what is free to those who wait, in their order.
 * Knows    whose turn it is, over the balancer's own line and those of its members' sessions; who
 *          goes on to members that are not open to all; who has waited too long.
 * Ignores  how lines are kept (queue.c), who comes and goes (admission.c), httpd, the clock.
 * Memory   the shared table.   Threads: any, in any number of processes.
 *
 * Each one is decided about under the lock for itself, so that nobody has to wait for all. */
#ifndef LB_SERVING_H
#define LB_SERVING_H

#include "arena.h"
#include "ledger.h"

/** Let in those who can be, in their order, refuse those who waited too long in a queue that
 *  stands, and ring the bells of both.
 *  returns  how many were let in */
size_t lb_serving_let_in(lb_table_t *t, const lb_arena_t *arena, int64_t now);

#endif
