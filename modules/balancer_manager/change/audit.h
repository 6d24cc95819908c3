/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* audit.h - who has changed what, or was refused: a log line for each, and the last ones. */
#ifndef MGR_AUDIT_H
#define MGR_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "apr_tables.h"
#include "httpd.h"

/* Texts are never NULL; "" is nothing. As they came: a view escapes them. */
typedef struct {
    apr_time_t at;
    const char *user;        /* "-": not logged in */
    const char *address;     /* of the client */
    const char *vhost, *balancer;
    const char *member;      /* "": the balancer itself */
    const char *what;        /* the setting; of a refusal: what was asked for */
    const char *before;
    const char *after;       /* of a refusal: why */
    const char *scope;       /* "front", "fleet": who was to change; "": there is no fleet */
    bool is_refused;         /* else it was changed */
} mgr_audit_entry_t;

/** In the parent, at start: have the shared memory, the same as before a restart.
 *  returns  OK or an HTTP status; the reason is logged */
int mgr_audit_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

/** Note the changes that one request has made, a refusal.
 *  changes  array of mgr_audit_entry_t; time, user and address are filled in here; a NULL
 *           text is ""
 *  returns  the number of the last change of all; those of this request come right before it */
uint64_t mgr_audit_changed(request_rec *r, apr_array_header_t *changes);
void mgr_audit_refused(request_rec *r, const mgr_audit_entry_t *entry);

/** Note what comes from other fronts of the fleet; it is in the log already.
 *  heard    array of lb_heard_t */
void mgr_audit_hear(const apr_array_header_t *heard);

/** So many changes up to a number, oldest first; what is not kept any more is left out. */
apr_array_header_t *mgr_audit_changes(apr_pool_t *p, uint64_t last, int count);

/** The last 200 changes and the last 200 refusals: array of mgr_audit_entry_t, newest first. */
apr_array_header_t *mgr_audit_recent(apr_pool_t *p);

#endif
