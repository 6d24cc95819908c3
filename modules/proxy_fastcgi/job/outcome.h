/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* outcome.h - what the engine's results are called.
 * Knows    statuses of the engine on one side, the contract's outcomes on the other.
 * Ignores  what follows from an outcome (failover.h, ending.h).
 * Memory   r->pool, for sentences.   Threads: see job.h. */
#ifndef FCGI_OUTCOME_H
#define FCGI_OUTCOME_H

#include "job.h"

/** What became of the answer at the output filters: LB_SERVED when they took it; sets why. */
lb_outcome_t fcgi_outcome_of_output(fcgi_job_t *job);

/** How an exchange ended; sets why, and the body's error when its client was too slow.
 *  rv   of fcgi_pump_step() */
lb_outcome_t fcgi_outcome_of_exchange(fcgi_job_t *job, apr_status_t rv);

#endif
