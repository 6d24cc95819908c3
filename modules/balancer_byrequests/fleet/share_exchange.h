/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* share_exchange.h - ProxySet fleet=limits: what this front may use of limits over all fronts, in
 *                    the table and in the engine.
 * Knows    members and their rows, the script, the seal, the file.
 * Ignores  who gets what (policy/share_front.h).
 * Threads  the one that talks to the engine; lb_share_exchange_forget(): any, in any process. */
#ifndef LB_SHARE_EXCHANGE_H
#define LB_SHARE_EXCHANGE_H

#include "fleet_exchange.h"

extern const lb_exchange_t lb_share_exchange;

/** Hook body of post_config. */
int lb_share_exchange_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                  server_rec *s);

/** An operator says that a front is gone for good: its floors are for the others.
 *  returns  false: too many are to be forgotten at a time */
bool lb_share_exchange_forget(apr_pool_t *p, const char *front);

#endif
