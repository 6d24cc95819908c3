/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_metrics.c - see fleet_metrics.h. */
#include "fleet_metrics.h"

#include "apr_strings.h"
#include "balancer_calls.h"

static uint64_t fronts_in_contact(const lb_fleet_view_t *fleet)
{
    uint64_t count = 0;

    for (int i = 0; i < fleet->fronts->nelts; i++) {
        count += APR_ARRAY_IDX(fleet->fronts, i, lb_fleet_front_t).is_fresh;
    }
    return count;
}

void mgr_fleet_metrics_put(mgr_metrics_t *m, request_rec *r)
{
    const lb_fleet_view_t *fleet = mgr_balancer_calls_fleet(r);

    if (!fleet) {
        return;
    }
    const char *labels = apr_pstrcat(r->pool, "fleet=\"", mgr_metrics_quoted(r->pool, fleet->name),
                                     "\",front=\"", mgr_metrics_quoted(r->pool, fleet->front), "\"",
                                     NULL);
    mgr_metrics_family(m, "fleet_up", "gauge",
                       "1: the store where the fronts meet answers; 0: this front is alone.");
    mgr_metrics_count(m, labels, fleet->is_up);
    mgr_metrics_family(m, "fleet_age_seconds", "gauge",
                       "Time since the store last answered; none: it never did.");
    if (fleet->age >= 0) {
        mgr_metrics_fraction(m, labels, fleet->age, 6);
    }
    mgr_metrics_family(m, "fleet_fronts", "gauge",
                       "Fronts in contact, this one included.");
    mgr_metrics_count(m, labels, fronts_in_contact(fleet));
}
