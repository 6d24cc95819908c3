/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* events.h - what the pump tells about an exchange, and what that means for the request.
 * Knows    the client that goes, is slow or wants no more; interim answers; a member that is slow.
 * Ignores  how a try begins and ends (try.c).
 * Memory   the job's.   Threads: see job.h. */
#ifndef FCGI_EVENTS_H
#define FCGI_EVENTS_H

#include "job.h"

/* Its baton is the job. */
extern const fcgi_pump_owner_t fcgi_events_owner;

/** The request may be waiting for a child of its member: counted in the pool from now on, unless
 *  the member has read it; and no longer. */
void fcgi_events_note_slow(fcgi_job_t *job);
void fcgi_events_end_slow(fcgi_job_t *job);

/** Retrieve the balancer's functions. */
void fcgi_events_find_balancer(void);

#endif
