/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_metrics.h - the fleet in /metrics, as this front knows it: Prometheus scrapes each
 *                   front. */
#ifndef MGR_FLEET_METRICS_H
#define MGR_FLEET_METRICS_H

#include "metrics.h"

/** Put the families of the fleet; nothing without one. */
void mgr_fleet_metrics_put(mgr_metrics_t *m, request_rec *r);

#endif
