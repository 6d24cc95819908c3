/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* source.c - see source.h. */
#include "source.h"

apr_array_header_t *lb_source_take_all(apr_pool_t *pconf, const proxy_balancer *proxy)
{
    apr_array_header_t *workers = proxy->workers;
    apr_array_header_t *sources = apr_array_make(pconf, 1, sizeof(lb_source_t));
    int members = 0;

    for (int i = 0; i < workers->nelts; i++) {
        proxy_worker *worker = APR_ARRAY_IDX(workers, i, proxy_worker *);
        const lb_discover_params_t *params = lb_discover_params_of(worker);
        if (params->kind == LB_DISCOVER_NONE) {
            APR_ARRAY_IDX(workers, members++, proxy_worker *) = worker;
        }
        else {
            APR_ARRAY_PUSH(sources, lb_source_t) = (lb_source_t){ worker, params, NULL };
        }
    }
    workers->nelts = members;
    return sources;
}

int lb_source_slots(const apr_array_header_t *workers)
{
    int slots = 0;

    for (int i = 0; i < workers->nelts; i++) {
        slots += lb_discover_params_slots(
            lb_discover_params_of(APR_ARRAY_IDX(workers, i, proxy_worker *)));
    }
    return slots;
}
