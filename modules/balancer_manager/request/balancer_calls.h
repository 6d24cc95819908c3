/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* balancer_calls.h - the balancer's contract, as the manager uses it. */
#ifndef MGR_BALANCER_CALLS_H
#define MGR_BALANCER_CALLS_H

#include <stdbool.h>

#include "balancer_fleet.h"
#include "httpd.h"
#include "mod_balancer_byrequests.h"

/** Find the balancer's functions; to be called once for each reading of the configuration.
 *  returns  NULL, or what is missing and the cure */
const char *mgr_balancer_calls_connect(void);

/** All balancers now: array of lb_balancer_view_t in r->pool. */
apr_array_header_t *mgr_balancer_calls_snapshot(request_rec *r);

/** The same, one after the other; what `take` is given is gone when it returns. */
typedef void mgr_balancer_calls_take_t(void *data, const lb_balancer_view_t *balancer);
void mgr_balancer_calls_each(request_rec *r, mgr_balancer_calls_take_t *take, void *data);

/** See lb_exemplars_read. */
void mgr_balancer_calls_exemplars(const lb_exemplars_t *exemplars, lb_time_t time,
                                  lb_exemplar_t of_buckets[LB_HISTOGRAM_BUCKETS]);

/** What there is to say of one member only, in r->pool; NULL: it has just gone. */
const lb_member_detail_t *mgr_balancer_calls_detail(request_rec *r,
                                                    const lb_balancer_view_t *balancer,
                                                    const lb_member_view_t *member);

/** Make changes, see lb_change_all; the result is in r->pool.
 *  changes  array of lb_change_t */
const lb_change_result_t *mgr_balancer_calls_change(request_rec *r,
                                                    const apr_array_header_t *changes);

/** What would be refused if they were made: array of lb_change_error_t in r->pool. */
const apr_array_header_t *mgr_balancer_calls_check(request_rec *r,
                                                   const apr_array_header_t *changes);

/** Have what comes from other fronts of a fleet told: see lb_change_listen. */
void mgr_balancer_calls_listen(void (*hear)(const apr_array_header_t *heard));

/** Do changes of a balancer travel to other fronts? See lb_change_travels. */
bool mgr_balancer_calls_travels(const char *key, const char *vhost);

/** The fleet as this front knows it, in r->pool; NULL: there is none. */
const lb_fleet_view_t *mgr_balancer_calls_fleet(request_rec *r);

/** Have a front of it forgotten.
 *  returns  NULL, or why that cannot be done */
const char *mgr_balancer_calls_forget(request_rec *r, const char *front);

/** Find a balancer by its key.
 *  vhost    NULL or "": the first of this key
 *  returns  an element of the snapshot, NULL when there is none */
const lb_balancer_view_t *mgr_balancer_calls_find(apr_pool_t *p, const apr_array_header_t *snapshot,
                                                  const char *key, const char *vhost);

/** Likewise; of those with this key, the one with this nonce of its own. */
const lb_balancer_view_t *mgr_balancer_calls_find_by_nonce(apr_pool_t *p,
                                                           const apr_array_header_t *snapshot,
                                                           const char *key, const char *nonce);

/** Of those with this key, of which there are some: the one of the virtual host that the request
 *  came to; or, when all others have inherited it, the one that they have it from.
 *  returns  NULL when another one may be meant */
const lb_balancer_view_t *mgr_balancer_calls_find_here(request_rec *r,
                                                       const apr_array_header_t *snapshot,
                                                       const char *key);

/** Find a member by the form parameter `w`, its URL or its name; or NULL. An heir has those of its
 *  owner. */
const lb_member_view_t *mgr_balancer_calls_find_member(apr_pool_t *p,
                                                       const lb_balancer_view_t *balancer,
                                                       const char *url);

/** Is its key alone not enough to say which one? Heirs need their virtual host, and balancers of
 *  one name; not the one that heirs inherit from. */
bool mgr_balancer_calls_is_key_shared(const apr_array_header_t *snapshot,
                                      const lb_balancer_view_t *balancer);

#endif
