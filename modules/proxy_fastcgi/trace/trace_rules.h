/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* trace_rules.h - which requests are traced, and whom they are traced for: ProxyFCGITrace.
 * Knows    the directive, sampling by trace id, ap_expr.
 * Ignores  what is done with a trace.
 * Memory   pconf; read-only at run time.   Threads: any. */
#ifndef FCGI_TRACE_RULES_H
#define FCGI_TRACE_RULES_H

#include "ap_expr.h"
#include "http_config.h"
#include "trace_context.h"

typedef struct {
    bool is_on;
    uint64_t rejected;        /* of 2^56 trace ids that begin here, so many are not sampled */
    ap_expr_info_t *trust;    /* whose traceparent is believed; NULL: nobody's */
} fcgi_trace_rules_t;

/** ProxyFCGITrace On|Off [sample=percent] [trust=expression].
 *  place   where the rules go: a `const fcgi_trace_rules_t *` */
const char *fcgi_trace_rules_set(cmd_parms *cmd, const fcgi_trace_rules_t **place,
                                 char *const words[], int count);

/** Is this client's traceparent believed? */
bool fcgi_trace_rules_trust(const fcgi_trace_rules_t *rules, request_rec *r);

/** Is a trace with this id, which begins here, sampled? By its last 56 bits, like others do
 *  (OpenTelemetry, Probability Sampling): who samples more of the same traces has all of these. */
bool fcgi_trace_rules_sample(const fcgi_trace_rules_t *rules,
                             const unsigned char trace_id[FCGI_TRACE_ID_BYTES]);

#endif
