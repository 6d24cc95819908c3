/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* worker_params.c - see worker_params.h. */
#include "worker_params.h"

#include <stddef.h>

#include "apr_hash.h"
#include "apr_optional.h"
#include "apr_strings.h"
#include "directive.h"
#include "mod_balancer_byrequests.h"

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

typedef struct {
    const char *key;
    size_t offset;
    bool is_duration;
} parameter_t;

static const parameter_t parameters[] = {
    { "connectwait", offsetof(fcgi_worker_params_t, connectwait), true },
    { "firstbyte", offsetof(fcgi_worker_params_t, firstbyte), true },
    { "total", offsetof(fcgi_worker_params_t, total), true },
    { "idletimeout", offsetof(fcgi_worker_params_t, idletimeout), true },
    { "keepidle", offsetof(fcgi_worker_params_t, keepidle), false },
    { "maxuses", offsetof(fcgi_worker_params_t, maxuses), false },
};

static const char *set_param(apr_pool_t *p, proxy_worker *worker, const parameter_t *parameter,
                             const char *val)
{
    fcgi_worker_params_t *params = params_to_set(p, worker);
    void *field = (char *)params + parameter->offset;

    params->keepidle_is_written |= field == &params->keepidle;
    if (parameter->is_duration ? fcgi_directive_time_limit(val, 0, field)
                               : fcgi_directive_count(val, 0, 1000000, field)) {
        return NULL;
    }
    return apr_psprintf(p, "%s: %s=%s is not a %s", worker->s->name_ex, parameter->key, val,
                        parameter->is_duration ? "duration up to 24h; use a number of seconds, "
                                                 "or of ms, s, m or h as in 500ms"
                                               : "whole number");
}

/* The balancer's limit: unless keepidle is written, a quarter of it may be kept. */
static void mind_limit(apr_pool_t *p, const proxy_worker *worker, const char *val)
{
    fcgi_worker_params_t *params = params_to_set(p, worker);
    int limit;

    if (!params->keepidle_is_written && fcgi_directive_count(val, 1, 1000000, &limit)) {
        params->keepidle = limit < 4 ? 1 : limit / 4;
    }
}

/* The optional function has the name that mod_proxy looks for. */
static const char *set_worker_hc_param(apr_pool_t *p, server_rec *s, proxy_worker *worker,
                                       const char *key, const char *val, void *ctx)
{
    for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
        if (ap_cstr_casecmp(key, parameters[i].key) == 0) {
            return set_param(p, worker, &parameters[i], val);
        }
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
