/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* discover_params.h - the parameters of a BalancerMember line whose members come from DNS:
 *                     discover=, discovermax=, discoverinterval=, discoverwait=, onempty=.
 * Knows    their ranges, and what a line with discover= cannot be.
 * Ignores  DNS, what becomes of the line at run time (members/source.h).
 * Memory   pconf; read-only at run time. */
#ifndef LB_DISCOVER_PARAMS_H
#define LB_DISCOVER_PARAMS_H

#include <stdbool.h>

#include "discovery_rules.h"
#include "mod_proxy.h"

typedef struct {
    lb_discover_t kind;
    int max;                        /* addresses that become members */
    lb_discovery_terms_t terms;
} lb_discover_params_t;

int lb_discover_params_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);

/** Is it one of these parameters? */
bool lb_discover_params_has(const char *key);

/** Set one of them.
 *  returns  NULL, or what is wrong */
const char *lb_discover_params_set(apr_pool_t *p, const proxy_worker *worker, const char *key,
                                   const char *val);

/** Those that hold for this line. Never NULL. */
const lb_discover_params_t *lb_discover_params_of(const proxy_worker *worker);

/** Was any of them written for this worker, before defaults are set? */
bool lb_discover_params_are_written(const proxy_worker *worker);

/** Its word in discover=. */
const char *lb_discover_params_word(lb_discover_t kind);

/** Slots that its members need. Twice the addresses: when all are replaced at once, the old ones
 *  still have their last requests. */
static inline int lb_discover_params_slots(const lb_discover_params_t *params)
{
    return params->kind == LB_DISCOVER_NONE ? 0 : 2 * params->max;
}

/** What is wrong with a line with discover=.
 *  returns  NULL, or a sentence with the cure */
const char *lb_discover_params_mistake(apr_pool_t *p, const proxy_worker *worker);

#endif
