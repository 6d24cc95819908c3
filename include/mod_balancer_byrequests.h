/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* mod_balancer_byrequests.h - the balancer's contract with the other two modules.
 * Implemented by  modules/balancer_byrequests/contract.c, as APR optional functions.
 * Called by       mod_proxy_fastcgi (tickets, checks) and mod_balancer_manager (snapshot, changes).
 * A caller retrieves the functions at post_config; NULL means that the balancer is not loaded. */
#ifndef MOD_BALANCER_BYREQUESTS_H
#define MOD_BALANCER_BYREQUESTS_H

#include "balancer_change.h"
#include "balancer_check.h"
#include "balancer_detail.h"
#include "balancer_numbers.h"
#include "balancer_outcome.h"
#include "balancer_setting.h"
#include "balancer_state.h"
#include "balancer_ticket.h"
#include "balancer_view.h"
#include "mod_proxy.h"

/* ---- Which contract ---- */

typedef struct {
    const char *version;       /* of the balancer */
    const char *stamp;         /* of the headers it was built with; see contract_stamp.h */
} lb_contract_t;

/** What the balancer was built with: to be asked before anything else. */
APR_DECLARE_OPTIONAL_FN(lb_contract_t, lb_contract, (void));

/* ---- Tickets: the right to have one request in flight on one member ---- */

/** The handler of this scheme waits for its turn itself: pre_request may give it a ticket that has
 *  none yet. To be called while httpd retrieves optional functions. */
APR_DECLARE_OPTIONAL_FN(void, lb_handler_waits, (const char *scheme));

/** The handler of FastCGI members tells by `kept` how many idle connections to one there are. To be
 *  called at the same time. */
APR_DECLARE_OPTIONAL_FN(void, lb_handler_keeps,
                        (int (*kept)(const proxy_worker *worker, apr_pool_t *p)));

/** The ticket that pre_request took for this request; it may still be queued.
 *  returns  NULL when no balancer is involved (a plain worker) */
APR_DECLARE_OPTIONAL_FN(lb_ticket_t *, lb_ticket_of, (request_rec *r));

/** The balancer that it belongs to. */
APR_DECLARE_OPTIONAL_FN(proxy_balancer *, lb_ticket_balancer, (lb_ticket_t *ticket));

/** Is it this request's turn? The handler asks at first, and again after each wait. A client that
 *  has left (connection->aborted) loses its place. */
APR_DECLARE_OPTIONAL_FN(lb_turn_t, lb_ticket_turn, (lb_ticket_t *ticket, request_rec *r));

/** Say how the try ended and give the right back, in this order: who waits for it does not get a
 *  member that has just failed. By then the connection is closed or kept. A second call does
 *  nothing.
 *  A failure counts against the member (maxfails, failwindow, retry, ignore errors).
 *  measures  counted for the member; NULL: nothing was measured */
APR_DECLARE_OPTIONAL_FN(void, lb_ticket_release,
                        (lb_ticket_t *ticket, lb_outcome_t outcome,
                         const lb_measures_t *measures));

/** The client has gone, and the member works on: is the right to be kept until the member has said
 *  something? Only if it has a limit, since what it works on counts. Then the client's patience is
 *  taken down; released as LB_CLIENT_ABORT. */
APR_DECLARE_OPTIONAL_FN(int, lb_ticket_abandon, (lb_ticket_t *ticket));

/** The member has sent the head of its answer, and r->status is that: enough for a member in error
 *  to come back. May be called again. */
APR_DECLARE_OPTIONAL_FN(void, lb_ticket_note_head, (lb_ticket_t *ticket));

/** After a released try, take a right on another member for the same request. REFUSED: no member is
 *  left that was not tried, or maxattempts is reached (the ticket stays released). */
APR_DECLARE_OPTIONAL_FN(lb_turn_t, lb_ticket_next, (lb_ticket_t *ticket, request_rec *r));

/** While the request waits for its client it needs no right, and no place in the queue: give both
 *  back, keep the election. */
APR_DECLARE_OPTIONAL_FN(void, lb_ticket_pause, (lb_ticket_t *ticket));

/** Take the right again: on the same member, or on another when that one is not usable any more. */
APR_DECLARE_OPTIONAL_FN(lb_turn_t, lb_ticket_resume, (lb_ticket_t *ticket, request_rec *r));

/** May a request with this ticket wait without a thread? Not when other requests of its balancer
 *  hold threads while they wait for the same members: they could wait for a request that has
 *  none. */
APR_DECLARE_OPTIONAL_FN(int, lb_ticket_may_park, (lb_ticket_t *ticket));

/** The request holds no thread any more (+1), or has one again (-1). */
APR_DECLARE_OPTIONAL_FN(void, lb_ticket_note_parked, (lb_ticket_t *ticket, int by));

/** May one more request of this balancer be sent again after it failed and may have run? Over all
 *  child processes, and then counted: one in five of late. */
APR_DECLARE_OPTIONAL_FN(int, lb_ticket_may_resend, (lb_ticket_t *ticket));

/** For a 503: after how many seconds it is worth to come again. */
APR_DECLARE_OPTIONAL_FN(int, lb_ticket_retry_after, (lb_ticket_t *ticket));

/* ---- Parameters ---- */

/** The worker whose parameters, as the configuration was read, hold for this member of a balancer:
 *  itself, or another one when the member was added or moved at run time. */
APR_DECLARE_OPTIONAL_FN(const proxy_worker *, lb_configured_worker, (const proxy_worker *worker));

/** The name that the TLS certificate of this member of a balancer must have: its host; of one that
 *  was discovered, the name in DNS that it comes from. */
APR_DECLARE_OPTIONAL_FN(const char *, lb_member_tls_name, (const proxy_worker *worker));

/** Does this member of a balancer stay, as far as this process knows? Else it gets no more
 *  requests, and what is kept for them can be closed. */
APR_DECLARE_OPTIONAL_FN(int, lb_member_is_wanted, (const proxy_worker *worker));

/* ---- Checks: the balancer says when and judges, mod_proxy_fastcgi asks the members ---- */

/** How many members are checked? Fixed while a configuration lasts. */
APR_DECLARE_OPTIONAL_FN(int, lb_checks_count, (void));

/** The next check that is due: it counts as begun, and is not due again before it was reported.
 *  To be asked by one process at a time.
 *  wait     set when none is due: us until one is
 *  returns  NULL when none is due */
APR_DECLARE_OPTIONAL_FN(const lb_check_t *, lb_checks_next, (apr_interval_time_t *wait));

/** Report how a check ended: counts, and puts the member out of service or back into it. */
APR_DECLARE_OPTIONAL_FN(void, lb_checks_report,
                        (const lb_check_t *check, const lb_check_result_t *result,
                         apr_pool_t *p));

/* ---- Snapshot: what the manager shows; taken without a lock ---- */

/** All balancers of all virtual hosts, each once: a balancer that virtual hosts have inherited
 *  stands under the host that defines it. Where a host has settings of its own for it, that heir
 *  follows with its settings; members and numbers are with the owner.
 *  returns  array of lb_balancer_view_t, in p */
APR_DECLARE_OPTIONAL_FN(apr_array_header_t *, lb_snapshot, (apr_pool_t *p, server_rec *any));

/** The same, one balancer after the other: thousands of members then take the memory of hundreds.
 *  take   called for each; what it is given is gone when it returns */
APR_DECLARE_OPTIONAL_FN(void, lb_snapshot_each,
                        (apr_pool_t *p, server_rec *any,
                         void (*take)(void *data, const lb_balancer_view_t *balancer),
                         void *data));

/** For each bucket of a histogram, the last sampled request that fell into it.
 *  exemplars   of a member's view */
APR_DECLARE_OPTIONAL_FN(void, lb_exemplars_read,
                        (const lb_exemplars_t *exemplars, lb_time_t time,
                         lb_exemplar_t of_buckets[LB_HISTOGRAM_BUCKETS]));

/** What there is to say of one member only.
 *  balancer  id of the one that it belongs to, as in its view
 *  url       of the member, as in its view
 *  returns   NULL when it has gone; in p */
APR_DECLARE_OPTIONAL_FN(lb_member_detail_t *, lb_member_detail,
                        (apr_pool_t *p, int balancer, const char *url));

/* ---- Changes: what the manager changes ---- */

/** Make changes: all of them when there is no error in any, else none. What is as it should be
 *  already is not told. No two changes for the same member; one of them may add or move one. The
 *  other fronts of a fleet make those that are not to stay here, too.
 *  changes  array of lb_change_t
 *  by       the operator, for the other fronts
 *  returns  in p */
APR_DECLARE_OPTIONAL_FN(lb_change_result_t *, lb_change_all,
                        (apr_pool_t *p, server_rec *any, const apr_array_header_t *changes,
                         const char *by));

/** Have what comes from other fronts told; any thread of any child will do that.
 *  hear     heard: array of lb_heard_t */
APR_DECLARE_OPTIONAL_FN(void, lb_change_listen, (void (*hear)(const apr_array_header_t *heard)));

/** Do changes of a balancer travel to other fronts? With BalancerFleet, and fleet=intent.
 *  balancer its key, as in the view
 *  vhost    as in the view; NULL: the first balancer of that key */
APR_DECLARE_OPTIONAL_FN(bool, lb_change_travels, (const char *balancer, const char *vhost));

/** What lb_change_all() would refuse now; nothing is changed.
 *  returns  array of lb_change_error_t, in p */
APR_DECLARE_OPTIONAL_FN(apr_array_header_t *, lb_change_errors,
                        (apr_pool_t *p, server_rec *any, const apr_array_header_t *changes));

#endif
