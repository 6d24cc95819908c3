/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* worker_params.c - see worker_params.h. */
#include "worker_params.h"

#include <stddef.h>

#include "apr_hash.h"
#include "apr_optional.h"
#include "apr_strings.h"
#include "directive.h"
#include "mod_balancer_byrequests.h"
#include "parameter.h"

static const fcgi_worker_params_t defaults = {
    .keepidle = FCGI_KEEPIDLE_DEFAULT,
    .idletimeout = FCGI_IDLETIMEOUT_DEFAULT,
    .maxuses = FCGI_MAXUSES_DEFAULT,
};

static apr_hash_t *by_worker;    /* see key_of() -> fcgi_worker_params_t; of this configuration */
static APR_OPTIONAL_FN_TYPE(set_worker_hc_param) *next_in_line;
static APR_OPTIONAL_FN_TYPE(lb_configured_worker) *configured_worker;    /* NULL: no balancer */

/* What stays the same from the configuration to the request: a member's struct never moves, but its
 * shared part does; with a plain worker it is the other way round. */
static const void *const *key_of(const proxy_worker *worker, const void **key)
{
    *key = worker->balancer ? (const void *)worker : (const void *)worker->s;
    return key;
}

void fcgi_worker_params_find_balancer(void)
{
    configured_worker = APR_RETRIEVE_OPTIONAL_FN(lb_configured_worker);
}

const fcgi_worker_params_t *fcgi_worker_params_of(const proxy_worker *worker)
{
    const void *key;

    if (worker->balancer && configured_worker) {
        worker = configured_worker(worker);
    }
    const fcgi_worker_params_t *found =
        apr_hash_get(by_worker, key_of(worker, &key), sizeof(key));
    return found ? found : &defaults;
}

static fcgi_worker_params_t *params_to_set(apr_pool_t *p, const proxy_worker *worker)
{
    const void *key;
    fcgi_worker_params_t *params = apr_hash_get(by_worker, key_of(worker, &key), sizeof(key));

    if (!params) {
        params = apr_pmemdup(p, &defaults, sizeof(defaults));
        apr_hash_set(by_worker, apr_pmemdup(p, &key, sizeof(key)), sizeof(key), params);
    }
    return params;
}

#define DAY       FC_TIME_LIMIT_MAX
#define COUNT_MAX 1000000

static const fc_parameter_t parameters[] = {
    { "connectwait", FC_DURATION, offsetof(fcgi_worker_params_t, connectwait), 0, DAY },
    { "firstbyte", FC_DURATION, offsetof(fcgi_worker_params_t, firstbyte), 0, DAY },
    { "total", FC_DURATION, offsetof(fcgi_worker_params_t, total), 0, DAY },
    { "idletimeout", FC_DURATION, offsetof(fcgi_worker_params_t, idletimeout), 0, DAY },
    { "keepidle", FC_COUNT, offsetof(fcgi_worker_params_t, keepidle), 0, COUNT_MAX },
    { "maxuses", FC_COUNT, offsetof(fcgi_worker_params_t, maxuses), 0, COUNT_MAX },
};

static const char *set_param(apr_pool_t *p, proxy_worker *worker, const fc_parameter_t *parameter,
                             const char *val)
{
    fcgi_worker_params_t *params = params_to_set(p, worker);

    params->keepidle_is_written |= parameter->offset == offsetof(fcgi_worker_params_t, keepidle);
    return fc_parameter_set(parameter, params, val, worker->s->name_ex, p);
}

/* The balancer's limit: unless keepidle is written, a quarter of it may be kept. */
static void mind_limit(apr_pool_t *p, const proxy_worker *worker, const char *val)
{
    fcgi_worker_params_t *params = params_to_set(p, worker);
    int limit;

    if (!params->keepidle_is_written && fc_directive_count(val, 1, COUNT_MAX, &limit)) {
        params->keepidle = limit < 4 ? 1 : limit / 4;
    }
}

/* The optional function has the name that mod_proxy looks for. */
static const char *set_worker_hc_param(apr_pool_t *p, server_rec *s, proxy_worker *worker,
                                       const char *key, const char *val, void *ctx)
{
    const fc_parameter_t *parameter =
        fc_parameter_find(parameters, sizeof(parameters) / sizeof(parameters[0]), key);

    if (parameter) {
        return set_param(p, worker, parameter, val);
    }
    if (ap_cstr_casecmp(key, "maxinflight") == 0) {
        mind_limit(p, worker, val);
    }
    return next_in_line ? next_in_line(p, s, worker, key, val, ctx)
                        : apr_psprintf(p, "%s: unknown parameter %s=%s", worker->s->name_ex,
                                       key, val);
}

int fcgi_worker_params_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    by_worker = apr_hash_make(pconf);
    next_in_line = APR_RETRIEVE_OPTIONAL_FN(set_worker_hc_param);
    APR_REGISTER_OPTIONAL_FN(set_worker_hc_param);
    return OK;
}
