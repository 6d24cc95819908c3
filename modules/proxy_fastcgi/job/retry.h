/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* retry.h - whether a request is sent again.
 * Knows    what came of the try (job.h), the budgets of balancers and workers.
 * Ignores  the rules themselves (failover.h), which member is next, how long there is time.
 * Memory   the job's.   Threads: see job.h. */
#ifndef FCGI_RETRY_H
#define FCGI_RETRY_H

#include "failover.h"
#include "job.h"

/** What follows a try that is over, and whose answer, if there is one, is held back. Takes from the
 *  budget what is sent again. */
fcgi_retry_t fcgi_retry_decide(const fcgi_job_t *job);

/** Is there a budget for it to be sent again? Of its balancer, else of its worker in this process;
 *  then it is taken. */
bool fcgi_retry_may_resend(const fcgi_job_t *job);

/** Would it be sent again if its kept connection turned out to be closed? */
bool fcgi_retry_is_sent_if_stale(const fcgi_job_t *job);

/** May another member answer instead of this one, whose head is there? For http_503 and the like of
 *  ProxyFCGIRetryOn. */
bool fcgi_retry_is_answer_replaceable(const fcgi_job_t *job);

/** Was it a kept connection that nobody had looked at, and that was closed or not quiet? A look
 *  would have spared the try: nobody is to blame for it, and it costs nothing of any budget. */
bool fcgi_retry_was_on_stale_connection(const fcgi_job_t *job);

/** Retrieve the balancer's functions. */
void fcgi_retry_find_balancer(void);

#endif
