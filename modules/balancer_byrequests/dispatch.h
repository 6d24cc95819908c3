/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* dispatch.h - one request through the balancer: from balancer://name/path to a member's URL.
 * Knows    session routes, waiting for a usable member, failover, the BALANCER_* variables.
 * Ignores  how members are compared (provider.c) and judged (health.c).
 * Threads  the request's own. */
#ifndef LB_DISPATCH_H
#define LB_DISPATCH_H

#include "ticket.h"

/** Hook bodies of mod_proxy's pre_request, post_request and canon_handler. */
int lb_dispatch_pre_request(proxy_worker **worker, proxy_balancer **balancer, request_rec *r,
                            proxy_server_conf *conf, char **url);
int lb_dispatch_post_request(proxy_worker *worker, proxy_balancer *balancer, request_rec *r,
                             proxy_server_conf *conf);
int lb_dispatch_canon(request_rec *r, char *url);

/** After a released try: another member, see lb_ticket_next in the contract. */
proxy_worker *lb_dispatch_next(lb_ticket_t *ticket, request_rec *r, char **url);

/** After a pause: see lb_ticket_resume in the contract. */
proxy_worker *lb_dispatch_resume(lb_ticket_t *ticket, request_rec *r, char **url);

#endif
