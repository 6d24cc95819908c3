/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* condition.h - a mutex and a condition whose time limits go by the monotonic clock; those of APR's
 *               go by the wall clock: set back an hour, 50 ms take an hour.
 * Memory   the caller's.   Threads: any, of one process. */
#ifndef FCGI_CONDITION_H
#define FCGI_CONDITION_H

#include <pthread.h>

#include "apr_time.h"

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
} fcgi_condition_t;

/** Once in each process. */
apr_status_t fcgi_condition_init(fcgi_condition_t *c);

void fcgi_condition_lock(fcgi_condition_t *c);
void fcgi_condition_unlock(fcgi_condition_t *c);

/** Wake one who waits. With the lock held, as all below. */
void fcgi_condition_signal(fcgi_condition_t *c);

/** Wait until somebody signals; it may also end without that. */
void fcgi_condition_wait(fcgi_condition_t *c);

/** Likewise, up to so many us. */
void fcgi_condition_wait_for(fcgi_condition_t *c, apr_interval_time_t us);

#endif
