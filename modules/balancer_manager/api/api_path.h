/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* api_path.h - the URLs of the JSON interface: what they name. */
#ifndef MGR_API_PATH_H
#define MGR_API_PATH_H

#include "visit.h"

typedef enum {
    MGR_NO_RESOURCE,
    MGR_STATUS,        /* /v1/status */
    MGR_SCHEMA,        /* /v1/schema */
    MGR_DESCRIPTION,   /* /v1/openapi.json */
    MGR_AUDIT,         /* /v1/audit */
    MGR_FLEET,         /* /v1/fleet */
    MGR_FORGET,        /* /v1/fleet/forget */
    MGR_BALANCER,      /* /v1/balancers/KEY */
    MGR_MEMBERS,       /* /v1/balancers/KEY/members */
    MGR_MEMBER,        /* /v1/balancers/KEY/members/URL */
    MGR_ALL_MEMBERS,   /* /v1/members */
    MGR_RESET          /* /v1/balancers/KEY/reset, /v1/balancers/KEY/members/URL/reset */
} mgr_resource_t;

typedef struct {
    mgr_resource_t resource;
    const char *key;        /* of the balancer */
    const char *member;     /* its URL or name; NULL: it is about none */
} mgr_api_path_t;

/** Take the path below the manager's own apart. */
mgr_api_path_t mgr_api_path_parse(apr_pool_t *p, const char *path);

/** The path of a member below the manager's own, as a URL has it. */
const char *mgr_api_path_of_member(const mgr_visit_t *visit, const lb_balancer_view_t *balancer,
                                   const char *member_url);

#endif
