/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* handler.h - drives one request from its URL to its status.
 * Knows    who waits in its thread between two steps, and who without one (park.h).
 * Ignores  the steps (steps.h), records, sockets, shared memory.
 * Memory   r->pool.   Threads: see job.h. */
#ifndef FCGI_HANDLER_H
#define FCGI_HANDLER_H

#include "mod_proxy.h"

/** Hook body of mod_proxy's scheme_handler, for fcgi: and fcgis:.
 *  returns  DECLINED, OK, SUSPENDED (it is parked), or an HTTP status */
int fcgi_handler_run(request_rec *r, proxy_worker *worker, proxy_server_conf *conf, char *url,
                     const char *proxyname, apr_port_t proxyport);

/** Find the balancer's contract, if the balancer is loaded. */
void fcgi_handler_find_balancer(void);

#endif
