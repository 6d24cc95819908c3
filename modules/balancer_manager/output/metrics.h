/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* metrics.h - samples in the text format of Prometheus, version 0.0.4, or in OpenMetrics, 1.0.0.
 * Knows    their rules: HELP and TYPE once for a family, escapes in labels, cumulative buckets;
 *          what OpenMetrics has otherwise: names of counters, exemplars, the end.
 * Ignores  which families there are (view_prometheus.c, member_metrics.c), who wants which format.
 * Memory   r->pool.   Threads: one request, one thread.
 * Source   https://prometheus.io/docs/instrumenting/exposition_formats/
 *          https://prometheus.io/docs/specs/om/open_metrics_spec/ */
#ifndef MGR_METRICS_H
#define MGR_METRICS_H

#include "mod_balancer_byrequests.h"
#include "sink.h"
#include "span.h"

#define MGR_METRICS_PREFIX "fastcgi_cluster_"

/* The names and labels of all samples are the same in both. */
typedef enum {
    MGR_METRICS_TEXT,
    MGR_METRICS_OPEN
} mgr_metrics_format_t;

typedef struct {
    mgr_sink_t *sink;
    mgr_metrics_format_t format;
    fc_span_t family;                             /* that is being written */
    fc_span_t bounds[LB_HISTOGRAM_BUCKETS];       /* of buckets, as the last label */
    char *head;                                   /* what all buckets of a histogram begin with */
    apr_size_t head_room;
} mgr_metrics_t;

/** A writer to the body of `r`, in r->pool. */
mgr_metrics_t *mgr_metrics_make(request_rec *r, mgr_metrics_format_t format);

/** The Content-Type of a format. */
const char *mgr_metrics_content_type(mgr_metrics_format_t format);

/** All is written: send what is left. */
void mgr_metrics_end(mgr_metrics_t *m);

/** The value of a label, as it stands in its quotes; in p. */
const char *mgr_metrics_quoted(apr_pool_t *p, const char *text);

/** Begin a family: what follows are its samples.
 *  name   of a counter: with its _total
 *  type   counter, gauge or histogram */
void mgr_metrics_family(mgr_metrics_t *m, const char *name, const char *type, const char *help);

/** A sample.
 *  labels       name="value",...
 *  key, value   one more label; NULL: none */
void mgr_metrics_count(mgr_metrics_t *m, const char *labels, uint64_t count);
void mgr_metrics_count_of(mgr_metrics_t *m, const char *labels, const char *key, const char *value,
                          uint64_t count);
void mgr_metrics_fraction(mgr_metrics_t *m, const char *labels, apr_int64_t parts, int digits);

/** A sample for each word of an outcome that was counted. Those that never came would be most of
 *  all samples: they begin when they come.
 *  key      of the label with the word
 *  times    by lb_outcome_t
 *  before   what is added to them */
void mgr_metrics_words(mgr_metrics_t *m, const char *labels, const char *key, const uint64_t *times,
                       const uint64_t *before);

/** The samples of a histogram.
 *  before      what is added to `times`
 *  exemplars   of each bucket, for OpenMetrics; NULL: none */
void mgr_metrics_histogram(mgr_metrics_t *m, const char *labels, const lb_histogram_t *times,
                           const lb_histogram_t *before, const lb_exemplar_t *exemplars);

#endif
