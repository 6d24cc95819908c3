/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member_metrics.h - the members in /metrics: which families there are, and what is in them.
 * Knows    that counters never fall: a number is what was counted since an operator's reset, plus
 *          what was counted before.
 * Ignores  how a sample is written (metrics.c).
 * Memory   r->pool.   Threads: any, no state. */
#ifndef MGR_MEMBER_METRICS_H
#define MGR_MEMBER_METRICS_H

#include "metrics.h"

/** Put the families of all members, each for all of them before the next.
 *  balancers       of lb_balancer_view_t
 *  of_balancers    the labels of each of them
 *  has_histograms  else these families are left out */
void mgr_member_metrics_put(mgr_metrics_t *m, apr_pool_t *p, const apr_array_header_t *balancers,
                            const char *const *of_balancers, bool has_histograms);

#endif
