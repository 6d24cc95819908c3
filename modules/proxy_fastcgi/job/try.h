/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* try.h - one try of a request on one member: connect, exchange, outcome.
 * Knows    the request as it is sent, its time limits, the buffer.
 * Ignores  whether there is another try, and what the client gets.
 * Memory   the job's.   Threads: see job.h. */
#ifndef FCGI_TRY_H
#define FCGI_TRY_H

#include "job.h"

/** Begin a try on job->worker, or go on with it after a wait.
 *  came     what the wait brought
 *  returns  is it over (outcome, refusal, why)? Else job->wait says what it waits for. */
bool fcgi_try_begin(fcgi_job_t *job);
bool fcgi_try_go_on(fcgi_job_t *job, unsigned came);

/** May its wait begin with fcgi_try_read_ahead(), which waits in this thread for a moment?
 *  returns  (the second) what came; 0: nothing */
bool fcgi_try_may_read_ahead(const fcgi_job_t *job);
unsigned fcgi_try_read_ahead(void *job);

/** Is it waiting for the first byte of the answer? */
bool fcgi_try_waits_for_first_byte(const fcgi_job_t *job);

/** The client's socket, to watch while waiting; -1: it has none of its own. */
int fcgi_try_client_fd(request_rec *r);

/** How FCGI_CLIENT_GONE is to be watched for: FCGI_CLIENT_MAY_END, or 0. */
unsigned fcgi_try_client_may_end(const fcgi_job_t *job);

/** Is the time of all tries over? A wait ends with it at the latest. */
bool fcgi_try_is_past_deadline(const fcgi_job_t *job);
void fcgi_try_mind_deadline(fcgi_job_t *job);

/** What was read was passed on, and nothing is read for now. */
void fcgi_try_give_buffer_back(fcgi_job_t *job);

/** The request ends as it stands: give back what the try holds. */
void fcgi_try_abandon(fcgi_job_t *job);

#endif
