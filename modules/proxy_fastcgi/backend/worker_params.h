/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* worker_params.h - our own parameters of BalancerMember, ProxyPass and ProxySet.
 * Knows    mod_proxy's opening for parameters that it does not know (set_worker_hc_param).
 * Ignores  what the parameters do.
 * Memory   pconf; read-only at run time. */
#ifndef FCGI_WORKER_PARAMS_H
#define FCGI_WORKER_PARAMS_H

#include <stdbool.h>

#include "mod_proxy.h"

/* Durations are us. */
typedef struct {
    apr_interval_time_t connectwait;   /* how long a refused connection is tried again; 0: not */
    apr_interval_time_t firstbyte;     /* 0: as timeout */
    apr_interval_time_t total;         /* of all tries together; 0: no limit */
    apr_interval_time_t idletimeout;   /* of a kept connection; 0: no limit */
    int keepidle;                      /* kept connections, over all processes */
    bool keepidle_is_written;
    int maxuses;                       /* requests on one connection; 0: no limit */
} fcgi_worker_params_t;

#define FCGI_KEEPIDLE_DEFAULT    2
#define FCGI_IDLETIMEOUT_DEFAULT apr_time_from_sec(10)
#define FCGI_MAXUSES_DEFAULT     1000

/** The parameters of a worker; the defaults when none was written. */
const fcgi_worker_params_t *fcgi_worker_params_of(const proxy_worker *worker);

/** At post_config: a balancer knows whose parameters hold for members made at run time. */
void fcgi_worker_params_find_balancer(void);

/** Hook body of pre_config, before mod_proxy.c: put ourselves behind the opening. What is not ours
 *  goes on to whoever was there before (the balancer, mod_proxy_hcheck). */
int fcgi_worker_params_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);

#endif
