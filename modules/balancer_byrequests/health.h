/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* health.h - puts members in error and takes them back.
 * Knows    stock's rules: retry, ignore errors (+I), stopped, forcerecovery, failonstatus,
 *          failontimeout.
 * Ignores  who is elected.
 * Memory   mod_proxy's shared status word, changed by atomic operations; our member row. */
#ifndef LB_HEALTH_H
#define LB_HEALTH_H

#include "mod_balancer_byrequests.h"

/** A try on this member ended in its failure. Unless it ignores errors it is out for `retry`.
 *  reason   one word, for the log: an outcome, or the parameter that asked for it */
void lb_health_fail(const proxy_balancer *b, proxy_worker *member, lb_outcome_t outcome,
                    const char *reason, request_rec *r);

/** mod_proxy itself has put this member in error (its scheme is not ours): count that. */
void lb_health_note_failure(const proxy_balancer *b, proxy_worker *member, lb_outcome_t outcome);

/** The member says that it has too much to do: for a moment the others are asked first. */
void lb_health_note_busy(const proxy_balancer *b, const proxy_worker *member);

/** Is that moment not over? */
int lb_health_is_busy(const proxy_balancer *b, const proxy_worker *member);

/** A try on this member went well: forget its retries. */
void lb_health_succeed(proxy_worker *member);

/** A member in error whose time is over is tried again. */
void lb_health_retry(const proxy_balancer *b, proxy_worker *member, server_rec *s);

/** When all members are in error, take them all back, unless forcerecovery=Off. */
void lb_health_force_recovery(const proxy_balancer *b, server_rec *s);

/** After an answer: failonstatus and failontimeout. */
void lb_health_judge_answer(const proxy_balancer *b, proxy_worker *member, request_rec *r);

/** Is it banned? Written for the state that outlives a restart.
 *  since, length   0 when it is not */
void lb_health_ban_of(const proxy_worker_shared *member, apr_time_t *since,
                      apr_interval_time_t *length);

/** Ban it again, as it was before the restart. */
void lb_health_ban(proxy_worker_shared *member, apr_time_t since, apr_interval_time_t length);

/** When a member in error is due for a trial; 0 when it is not in error. */
apr_time_t lb_health_next_trial(const proxy_worker *member);

#endif
