/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* ending.h - what the client, the logs and the notes get when the tries are over.
 * Knows    which HTTP status stands for which outcome.
 * Ignores  whether there is another try.
 * Memory   r->pool.   Threads: see job.h. */
#ifndef FCGI_ENDING_H
#define FCGI_ENDING_H

#include "job.h"

/** End the request by job->outcome: LB_SERVED, or another one.
 *  returns  the status for httpd */
int fcgi_ending_of_success(fcgi_job_t *job);
int fcgi_ending_of_failure(fcgi_job_t *job);

/** A status of ours for httpd to answer with; 503 with Retry-After. */
int fcgi_ending_answer(const fcgi_job_t *job, int status);

/** The one line about a failed try.
 *  next   what follows */
void fcgi_ending_log_failure(const fcgi_job_t *job, int level, const char *next);

/** Retrieve the balancer's functions. */
void fcgi_ending_find_balancer(void);

/** The notes for the access log. */
void fcgi_ending_leave_notes(const fcgi_job_t *job);

#endif
