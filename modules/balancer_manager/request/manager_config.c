/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* manager_config.c - see manager_config.h.
 * Knows    how sections inherit.
 * Ignores  what a line means: that file knows which takes it.
 * Memory   pconf, read-only at run time.   Threads: any, no state. */
#include "manager_config.h"

extern module AP_MODULE_DECLARE_DATA balancer_manager_module;

const mgr_manager_config_t *mgr_manager_config_of(const request_rec *r)
{
    return ap_get_module_config(r->per_dir_config, &balancer_manager_module);
}

void *mgr_manager_config_create(apr_pool_t *p, char *directory)
{
    mgr_manager_config_t *config = apr_palloc(p, sizeof(*config));

    config->rules = apr_array_make(p, 0, sizeof(void *));
    config->hosts = apr_array_make(p, 0, sizeof(void *));
    config->secrets = apr_array_make(p, 0, sizeof(void *));
    return config;
}

static apr_array_header_t *own_or(apr_array_header_t *own, apr_array_header_t *around)
{
    return own->nelts > 0 ? own : around;
}

void *mgr_manager_config_merge(apr_pool_t *p, void *base, void *add)
{
    const mgr_manager_config_t *around = base, *own = add;
    mgr_manager_config_t *config = apr_palloc(p, sizeof(*config));

    config->rules = own_or(own->rules, around->rules);
    config->hosts = own_or(own->hosts, around->hosts);
    config->secrets = own_or(own->secrets, around->secrets);
    return config;
}
