/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* intent_keeper.h - all wishes that this front knows: in shared memory for its processes, and with
 *                   BalancerPersist On in a file over restarts.
 * Knows    the board's draft, the file.   Ignores  who wants what, and who wins.
 * Memory   the caller's pool.   Threads: any, in any process. */
#ifndef LB_INTENT_KEEPER_H
#define LB_INTENT_KEEPER_H

#include "fleet_intent.h"
#include "httpd.h"

/** A copy of them.
 *  hash     of their text
 *  returns  never NULL */
lb_intents_t *lb_intent_keeper_read(apr_pool_t *p, uint64_t *hash);

/** Change them, one process after the other; when this returns, they are on disk, and the thread
 *  that tells the others is awake.
 *  room     for so many more
 *  edit     must not wait for anything; returns false: nothing is different
 *  returns  false: there are too many (logged), or nothing is different */
typedef bool lb_intent_keeper_edit_t(lb_intents_t *intents, void *data);
bool lb_intent_keeper_edit(apr_pool_t *p, int room, lb_intent_keeper_edit_t *edit, void *data);

/** Hook body: in the parent, when the board is there. All that is wanted is to be looked at again,
 *  since the configuration may be another one. */
int lb_intent_keeper_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                 server_rec *s);

#endif
