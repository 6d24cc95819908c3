/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* trace_log.h - where spans are written to: the file or the program of ProxyFCGITraceLog.
 * Knows    the directive, piped logs; that a line is one write, at the end of the file.
 * Ignores  what stands in a line (otlp_line.h).
 * Memory   pconf.   Threads: any; of several processes too. */
#ifndef FCGI_TRACE_LOG_H
#define FCGI_TRACE_LOG_H

#include "httpd.h"
#include "http_config.h"
#include "otlp_line.h"

/** ProxyFCGITraceLog file|"|program". */
const char *fcgi_trace_log_set(cmd_parms *cmd, void *unused, const char *target);

/** Hook body of pre_config: forget what the configuration before has said. */
int fcgi_trace_log_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);

/** Hook body of open_logs, in the parent: children inherit it, as they do all logs. */
int fcgi_trace_log_open(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

/** Is there one? */
bool fcgi_trace_log_is_open(void);

/** Whose spans these are. */
const fcgi_otlp_source_t *fcgi_trace_log_source(void);

/** Write a line that has ended. What fails is told once per process. */
void fcgi_trace_log_write(const fcgi_otlp_line_t *line, server_rec *s);

#endif
