/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* steps.h - one request step by step, from its turn at a member to its status.
 * Knows    the order of steps: turn, try, another member, end.
 * Ignores  how the time between two steps is spent (handler.c).
 * Memory   the job's.   Threads: see job.h. */
#ifndef FCGI_STEPS_H
#define FCGI_STEPS_H

#include "job.h"

typedef enum {
    FCGI_STEP_WAITS,      /* for job->wait */
    FCGI_STEP_GOES_ON,
    FCGI_STEP_WAS_LAST    /* with job->status */
} fcgi_progress_t;

/** All that can be done before a member is asked; may wait for the request body. */
fcgi_progress_t fcgi_steps_first(fcgi_job_t *job);

/** The next step.
 *  came     what the wait brought (wait.h); 0: there was none */
fcgi_progress_t fcgi_steps_next(fcgi_job_t *job, unsigned came);

/** Retrieve the balancer's functions. */
void fcgi_steps_find_balancer(void);

#endif
