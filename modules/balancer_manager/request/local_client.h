/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* local_client.h - what "local" means for the manager.
 *
 * A proxy on this machine sends everybody's requests from a local address, so for httpd's "Require
 * local" all the world is local. A request that says itself that it came through a proxy is not,
 * in sections that set our handler. */
#ifndef MGR_LOCAL_CLIENT_H
#define MGR_LOCAL_CLIENT_H

#include "httpd.h"

/** A hook that comes after all modules were loaded, and before a Require is read: puts ours in the
 *  place of mod_authz_host's provider, which it asks. */
int mgr_local_client_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);

#endif
