/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* condition.c - see condition.h. */
#include "condition.h"

#include <time.h>

#include "clock.h"

apr_status_t fc_condition_init(fc_condition_t *c)
{
    pthread_condattr_t how;

    int rv = pthread_mutex_init(&c->lock, NULL);
    if (rv == 0) {
        rv = pthread_condattr_init(&how);
    }
    if (rv != 0) {
        return rv;
    }
    rv = pthread_condattr_setclock(&how, CLOCK_MONOTONIC);
    if (rv == 0) {
        rv = pthread_cond_init(&c->changed, &how);
    }
    pthread_condattr_destroy(&how);
    return rv;
}

void fc_condition_lock(fc_condition_t *c)
{
    pthread_mutex_lock(&c->lock);
}

void fc_condition_unlock(fc_condition_t *c)
{
    pthread_mutex_unlock(&c->lock);
}

void fc_condition_signal(fc_condition_t *c)
{
    pthread_cond_signal(&c->changed);
}

void fc_condition_wait_for(fc_condition_t *c, apr_interval_time_t us)
{
    const apr_time_t until = fc_now() + (us > 0 ? us : 0);
    const struct timespec deadline = { .tv_sec = apr_time_sec(until),
                                       .tv_nsec = apr_time_usec(until) * 1000 };
    pthread_cond_timedwait(&c->changed, &c->lock, &deadline);
}
