/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* condition.h - a mutex and a condition whose time limits go by the monotonic clock; those of APR's
 *               go by the wall clock: set back an hour, 50 ms take an hour.
 * Memory   the caller's.   Threads: any, of one process. */
#ifndef FC_CONDITION_H
#define FC_CONDITION_H

#include <pthread.h>

#include "apr_time.h"

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
} fc_condition_t;

/** Once in each process. */
apr_status_t fc_condition_init(fc_condition_t *c);

void fc_condition_lock(fc_condition_t *c);
void fc_condition_unlock(fc_condition_t *c);

/** Wake one who waits. With the lock held, as all below. */
void fc_condition_signal(fc_condition_t *c);

/** Wait until somebody signals, up to so many us; it may also end without either. */
void fc_condition_wait_for(fc_condition_t *c, apr_interval_time_t us);

#endif
