/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* api_change.h - from JSON to lb_action_t, and from what came of them back to JSON. */
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
    apr_array_header_t *actions;     /* of lb_action_t */
    apr_array_header_t *origins;     /* of int: the change that an action is of */
    json_t *errors;
} mgr_api_change_t;

/** Nothing so far; what is Jansson's goes with r->pool. */
mgr_api_change_t *mgr_api_change_make(mgr_visit_t *visit, const char *what);

/** Read the settings of the visit's chosen member, or of its chosen balancer.
 *  settings  an object
 *  action    what is known of it already; completed, and added to the actions */
void mgr_api_change_read(mgr_api_change_t *change, json_t *settings, lb_action_t action);

/** Likewise, of a member that is to come: with its `url`. */
void mgr_api_change_read_new(mgr_api_change_t *change, json_t *settings, lb_action_t action);

/** Read changes of members: an array of objects, or one, with `balancer` (unless one is chosen),
 *  `vhost`, `member` and `etag` beside the settings; "*" as balancer or member stands for all. */
void mgr_api_change_read_many(mgr_api_change_t *change, json_t *changes);

/** Carry out what was read, if nothing is wrong with it, and send what came of it.
 *  status   when it is done
 *  returns  OK or an HTTP status */
int mgr_api_change_run(mgr_api_change_t *change, int status);

#endif
