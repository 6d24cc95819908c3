/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* metrics.h - samples in the text format of Prometheus, version 0.0.4.
 * Knows    its rules: HELP and TYPE once for a family, escapes in labels, cumulative buckets, +Inf.
 * Ignores  which families there are (view_prometheus.c).
 * Memory   r->pool.   Threads: one request, one thread.
 * Source   https://prometheus.io/docs/instrumenting/exposition_formats/ */
#ifndef MGR_METRICS_H
#define MGR_METRICS_H

#include "mod_balancer_byrequests.h"
#include "sink.h"
#include "span.h"

#define MGR_METRICS_PREFIX "fastcgi_cluster_"

typedef struct {
    mgr_sink_t *sink;
    fc_span_t family;                             /* that is being written */
    fc_span_t bounds[LB_HISTOGRAM_BUCKETS];       /* of buckets, as the last label */
    char *head;                                   /* what all buckets of a histogram begin with */
    apr_size_t head_room;
} mgr_metrics_t;

/** A writer to the body of `r`, in r->pool. */
mgr_metrics_t *mgr_metrics_make(request_rec *r);

/** The value of a label, as it stands in its quotes; in p. */
const char *mgr_metrics_quoted(apr_pool_t *p, const char *text);

/** Begin a family: what follows are its samples.
 *  type   counter, gauge or histogram */
void mgr_metrics_family(mgr_metrics_t *m, const char *name, const char *type, const char *help);

/** A sample.
 *  labels       name="value",...
 *  key, value   one more label; NULL: none */
void mgr_metrics_count(mgr_metrics_t *m, const char *labels, uint64_t count);
void mgr_metrics_count_of(mgr_metrics_t *m, const char *labels, const char *key, const char *value,
                          uint64_t count);
void mgr_metrics_fraction(mgr_metrics_t *m, const char *labels, apr_int64_t parts, int digits);

/** The samples of a histogram.
 *  before   what is added to `times` */
void mgr_metrics_histogram(mgr_metrics_t *m, const char *labels, const lb_histogram_t *times,
                           const lb_histogram_t *before);

#endif
