/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* api_change.h - from JSON to lb_change_t, and from what came of them back to JSON. */
#ifndef MGR_API_CHANGE_H
#define MGR_API_CHANGE_H

#include <jansson.h>
#include <stdbool.h>

#include "visit.h"

/* What one request asks for. */
typedef struct {
    mgr_visit_t *visit;
    const char *what;                /* for the audit: "PATCH /v1/members" */
    const char *base;                /* the manager's own path, for Location; NULL: none is sent */
    bool is_bulk;                    /* errors say which change they are about */
    apr_array_header_t *changes;     /* of lb_change_t */
    apr_array_header_t *origins;     /* of int: which of the objects in the body each comes from */
    json_t *errors;
} mgr_api_change_t;

/** Nothing so far; what is Jansson's goes with r->pool. */
mgr_api_change_t *mgr_api_change_make(mgr_visit_t *visit, const char *what);

/** Read the settings of the visit's chosen member, or of its chosen balancer.
 *  settings  an object
 *  begun     what is known of the change already; completed, and added to the changes */
void mgr_api_change_read(mgr_api_change_t *change, json_t *settings, lb_change_t begun);

/** Likewise, of a member that is to come: with its `url`. */
void mgr_api_change_read_new(mgr_api_change_t *change, json_t *settings, lb_change_t begun);

/** Read changes of members: an array of objects, or one, with `balancer` (unless one is chosen),
 *  `vhost`, `member` and `etag` beside the settings; "*" as balancer or member stands for all. */
void mgr_api_change_read_many(mgr_api_change_t *change, json_t *changes);

/** Carry out what was read, if nothing is wrong with it, and send what came of it.
 *  status   when it is done
 *  returns  OK or an HTTP status */
int mgr_api_change_run(mgr_api_change_t *change, int status);

#endif
