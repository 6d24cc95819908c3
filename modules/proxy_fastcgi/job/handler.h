/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* handler.h - one request from its URL to its status: ticket, try, finish or fail over.
 * Knows    the order of steps, and which HTTP status stands for which outcome.
 * Ignores  records, sockets, shared memory.   Threads: the request's own. */
#ifndef FCGI_HANDLER_H
#define FCGI_HANDLER_H

#include "mod_proxy.h"

/** Hook body of mod_proxy's scheme_handler, for fcgi:. */
int fcgi_handler_run(request_rec *r, proxy_worker *worker, proxy_server_conf *conf, char *url,
                     const char *proxyname, apr_port_t proxyport);

/** Find the balancer's contract, if the balancer is loaded. */
void fcgi_handler_find_balancer(void);

#endif
