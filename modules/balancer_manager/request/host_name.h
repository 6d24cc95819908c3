/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* host_name.h - by which host names the manager may be reached: BalancerManagerHost.
 *
 * A page of evil.example can let its name point to this machine (DNS rebinding). For the browser
 * that page and the manager then are one site: it may read the token and send what it likes. What
 * gives it away is the Host header, which names evil.example. */
#ifndef MGR_HOST_NAME_H
#define MGR_HOST_NAME_H

#include <stdbool.h>

#include "httpd.h"
#include "http_config.h"

/** For manager_config.c. */
const char *mgr_host_name_take(cmd_parms *cmd, apr_array_header_t *hosts, const char *name);

/** Was the request sent to this name, as the browser knows it: by its Host header, by the
 *  X-Forwarded-Host of a proxy, or (UseCanonicalName) by ServerName?
 *  name     an IPv6 address may have its brackets */
bool mgr_host_name_was_used(request_rec *r, const char *name);

/** Was the request sent to a name that is not known to be ours? Who is logged in may use any: a
 *  browser sends a password only to the names it was given for.
 *  returns  NULL when all is well, else the reason and the cure, in r->pool */
const char *mgr_host_name_refusal(request_rec *r);

#endif
