/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* duty.h - a work that one process of httpd does for all: whose turn it is.
 * Knows    a robust mutex in shared memory; which processes belong to an older configuration.
 * Ignores  what the work is.
 * Memory   one anonymous shared segment for each duty, made before the children; it outlives
 *          restarts.
 * Threads  one of each process; who has taken the duty must be who gives it up.
 *
 * Invariant: at most one process holds the duty. When its holder dies, by whatever end, the kernel
 * gives the mutex free, and the next that asks has it. */
#ifndef FC_DUTY_H
#define FC_DUTY_H

#include <stdbool.h>
#include <stdint.h>

#include "apr_pools.h"

typedef struct fc_duty_shared_t fc_duty_shared_t;

/* All 0 at first. */
typedef struct {
    fc_duty_shared_t *shared;
    uint32_t own;                /* the configuration that this process belongs to */
    bool is_ours;
} fc_duty_t;

/** In the parent, with each configuration; children that were made before are outdated from now on.
 *  name     of the duty
 *  process  the pool that outlives restarts */
apr_status_t fc_duty_open(fc_duty_t *duty, const char *name, apr_pool_t *process);

/** Is it ours, now or since before? Does not wait. */
bool fc_duty_take(fc_duty_t *duty);

/** Give it up, if it is ours. */
void fc_duty_give_up(fc_duty_t *duty);

/** Has the parent read another configuration? Then its children are to do the work. */
bool fc_duty_is_outdated(const fc_duty_t *duty);

#endif
