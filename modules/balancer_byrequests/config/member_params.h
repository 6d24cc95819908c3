/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member_params.h - our own parameters of BalancerMember, and their defaults for a whole balancer.
 * Knows    mod_proxy's opening for parameters that it does not know (set_worker_hc_param).
 * Ignores  what the parameters do.
 * Memory   pconf; read-only at run time. */
#ifndef LB_MEMBER_PARAMS_H
#define LB_MEMBER_PARAMS_H

#include <stdbool.h>

#include "mod_proxy.h"

/* Durations are us. */
typedef struct {
    int maxinflight;                     /* requests in flight, over all processes; 0: no limit;
                                          * LB_LIMIT_AUTO: as PHP-FPM says */
    int queue;                           /* requests that may wait for it; 0: none */
    apr_interval_time_t queuetimeout;    /* how long each may wait */
    apr_interval_time_t stickywait;      /* how long a session may wait for its member; 0: as all */
    int maxfails;                        /* failures within failwindow before it is put out */
    apr_interval_time_t failwindow;
    apr_interval_time_t slowstart;       /* its share climbs to full in this time; 0: at once */
} lb_member_params_t;

#define LB_MAXFAILS_MAX 16

/** Those that are written for this very worker in the configuration. */
const lb_member_params_t *lb_member_params_written(const proxy_worker *worker);

/* Where nobody is: the host of the worker that members added at run time are made after. */
#define LB_TEMPLATE_HOST "template.invalid"

/** Hook bodies of pre_config: the first stands at the end of the opening, in front of
 *  mod_proxy_hcheck, and takes our keys. The second stands before all others and notes which keys
 *  were written, so that defaults do not touch them. */
int lb_member_params_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);
int lb_member_params_note_written(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);

/** Give a member the defaults of its balancer: those that were not written for the member itself.
 *  defaults   of const char *, "key=value"
 *  returns    NULL, or what is wrong */
const char *lb_member_params_set_defaults(apr_pool_t *p, server_rec *s, proxy_worker *member,
                                          const apr_array_header_t *defaults);

#endif
