/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* dispatch.h - one request through the balancer: from balancer://name/path to a member's URL.
 * Knows    mod_proxy's hooks and the handler's calls, refusals, the BALANCER_* variables.
 * Ignores  how a member is chosen (choice.c).
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

/** The handler's calls: see lb_ticket_turn, lb_ticket_next, lb_ticket_pause and lb_ticket_resume in
 *  the contract. */
lb_turn_t lb_dispatch_turn(lb_ticket_t *ticket, request_rec *r);
lb_turn_t lb_dispatch_next(lb_ticket_t *ticket, request_rec *r);
void lb_dispatch_pause(lb_ticket_t *ticket);
lb_turn_t lb_dispatch_resume(lb_ticket_t *ticket, request_rec *r);

/** s until it is worth to come again, for Retry-After. */
int lb_dispatch_retry_after(const lb_ticket_t *ticket);

/** May the request be sent again after it failed? See lb_ticket_may_resend. */
bool lb_dispatch_may_resend(const lb_ticket_t *ticket);

#endif
