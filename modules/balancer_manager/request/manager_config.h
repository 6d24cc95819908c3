/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* manager_config.h - what the directives of this module say, for each directory. */
#ifndef MGR_MANAGER_CONFIG_H
#define MGR_MANAGER_CONFIG_H

#include "httpd.h"
#include "http_config.h"

/* A section that has lines of one directive forgets those of the sections around it. */
typedef struct {
    /* of pointers to what the file keeps of a line that takes it */
    apr_array_header_t *rules;      /* BalancerManagerRequire: rights.c */
    apr_array_header_t *hosts;      /* BalancerManagerHost: host_name.c */
    apr_array_header_t *secrets;    /* BalancerManagerToken: bearer.c */
} mgr_manager_config_t;

/** What holds for this request. */
const mgr_manager_config_t *mgr_manager_config_of(const request_rec *r);

/** For the face. */
void *mgr_manager_config_create(apr_pool_t *p, char *directory);
void *mgr_manager_config_merge(apr_pool_t *p, void *base, void *add);

#endif
