/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* tracing.h - tells a request's trace how its tries go.
 * Knows    when a request is traced at all.
 * Ignores  ids, spans (trace.h).
 * Memory   see trace.h.   Threads: see job.h. */
#ifndef FCGI_TRACING_H
#define FCGI_TRACING_H

#include "job.h"

/** Hook body of mod_proxy's pre_request, before a member is elected: what is refused then has its
 *  trace too. DECLINED. */
int fcgi_tracing_pre_request(proxy_worker **worker, proxy_balancer **balancer, request_rec *r,
                             proxy_server_conf *conf, char **url);

/** The trace of a request that comes to the handler; NULL: none. */
fcgi_trace_t *fcgi_tracing_of(request_rec *r, const fcgi_proxy_config_t *config);

/** A try begins, and ends. For a job with a trace. */
void fcgi_tracing_begin_try(fcgi_job_t *job);
void fcgi_tracing_end_try(const fcgi_job_t *job);

#endif
