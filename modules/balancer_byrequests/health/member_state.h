/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member_state.h - in which state a member is; shows its changes to everybody else: in mod_proxy's
 *                  status word, in the error log, in the balancer's history and the member's
 *                  downtime, and by the slow start of whoever comes back.
 * Knows    the bit PROXY_WORKER_IN_ERROR, error_time and retries; slowstart.
 * Ignores  why and when the state changes (health.c decides, and has written it to the row).
 * Memory   mod_proxy's shared struct, changed by atomic operations where others change it too. */
#ifndef LB_MEMBER_STATE_H
#define LB_MEMBER_STATE_H

#include <stdbool.h>

#include "balancer_state.h"
#include "member.h"

/** The worst thing that is true of it. */
lb_state_t lb_member_state_of(const lb_member_t *member);

/** Its state may be another one by now: if so, it goes into the history. Whoever changes it calls
 *  this afterwards. The first time, there is nothing that it could have been before.
 *  reason   more than the cause says; "": nothing */
void lb_member_state_note(const lb_member_t *member, lb_cause_t cause, const char *reason);

/** Likewise, for changes that nobody tells. To be called now and then, in any process. */
void lb_member_state_note_others(const lb_member_t *member);

/** ok -> error, or trial -> error.
 *  ban   us until the next trial */
void lb_member_state_show_ban(const lb_member_t *member, bool was_trial, int64_t ban,
                              const char *reason, request_rec *r);

/** error -> trial; or it is asked in error, as nobody else is left. */
void lb_member_state_show_trial(const lb_member_t *member, bool is_trial, request_rec *r);

/** trial -> error, as it proved nothing; or the same error as before a restart. No log line. */
void lb_member_state_show_error(const lb_member_t *member);

/** error -> ok, with a slow start. */
void lb_member_state_show_return(const lb_member_t *member, const char *why, server_rec *s);

/** It had failures enough, but stays: once for each time that this begins. */
void lb_member_state_show_last(const lb_member_t *member, const char *reason, request_rec *r);

/** A member that stays in service: mod_proxy sets the bit after each failure of its schemes. */
void lb_member_state_mend(const lb_member_t *member);

/** An operator changed the member's status.
 *  before, after   its status word */
void lb_member_state_note_change(const lb_member_t *member, unsigned int before,
                                 unsigned int after);

/** What slow start holds back of the member's share: see slow_start.h. */
uint32_t lb_member_state_held_back(const lb_member_t *member);

/** Hook body of post_config. */
int lb_member_state_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                server_rec *s);

#endif
