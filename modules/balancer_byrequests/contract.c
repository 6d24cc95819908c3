/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* contract.c - see contract.h: the functions that the other two modules call. */
#include "contract.h"

#include "accounting.h"
#include "apr_optional.h"
#include "balancer.h"
#include "blame.h"
#include "change_apply.h"
#include "change_plan.h"
#include "checks.h"
#include "contract_stamp.h"
#include "dispatch.h"
#include "fastcgi_version.h"
#include "fleet_view.h"
#include "forgetting.h"
#include "health.h"
#include "holding.h"
#include "intent_exchange.h"
#include "intent_note.h"
#include "intent_target.h"
#include "member_detail.h"
#include "snapshot.h"
#include "waiting_schemes.h"

static lb_ticket_t *lb_ticket_of(request_rec *r)
{
    return lb_ticket_find(r);
}

static void lb_ticket_release(lb_ticket_t *ticket, lb_outcome_t outcome,
                              const lb_measures_t *measures)
{
    if (ticket->is_held) {
        outcome = lb_blame_refine(ticket, outcome);
        lb_accounting_add_try(ticket, outcome, measures);
        lb_blame_of_try(ticket, outcome);
        if (ticket->outlives_client && measures && measures->first_byte >= 0) {
            lb_blame_of_sign_of_life(ticket);
        }
        ticket->is_abandoned = outcome == LB_CLIENT_ABORT && !ticket->outlives_client;
        lb_holding_give_back(ticket);
    }
}

static int lb_ticket_abandon(lb_ticket_t *ticket)
{
    return lb_holding_outlive_client(ticket);
}

static void lb_ticket_note_head(lb_ticket_t *ticket)
{
    lb_blame_of_head(ticket);
}

static proxy_balancer *lb_ticket_balancer(lb_ticket_t *ticket)
{
    return ticket->proxy;
}

static void lb_handler_waits(const char *scheme)
{
    lb_waiting_schemes_add(scheme);
}

static void lb_handler_keeps(int (*kept)(const proxy_worker *worker, apr_pool_t *p))
{
    lb_member_detail_ask_for_kept(kept);
}

static lb_turn_t lb_ticket_turn(lb_ticket_t *ticket, request_rec *r)
{
    return lb_dispatch_turn(ticket, r);
}

static lb_turn_t lb_ticket_next(lb_ticket_t *ticket, request_rec *r)
{
    return lb_dispatch_next(ticket, r);
}

static void lb_ticket_pause(lb_ticket_t *ticket)
{
    lb_dispatch_pause(ticket);
}

static lb_turn_t lb_ticket_resume(lb_ticket_t *ticket, request_rec *r)
{
    return lb_dispatch_resume(ticket, r);
}

static int lb_ticket_may_park(lb_ticket_t *ticket)
{
    return lb_waiting_schemes_are_all_of(ticket->balancer);
}

static void lb_ticket_note_parked(lb_ticket_t *ticket, int by)
{
    lb_holding_count_parked(ticket, by > 0);
}

static int lb_ticket_may_resend(lb_ticket_t *ticket)
{
    return lb_dispatch_may_resend(ticket);
}

static int lb_ticket_retry_after(lb_ticket_t *ticket)
{
    return lb_dispatch_retry_after(ticket);
}

static bool is_template(const lb_balancer_t *balancer, const proxy_worker *worker)
{
    for (int i = 0; i < balancer->sources->nelts; i++) {
        if (APR_ARRAY_IDX(balancer->sources, i, lb_source_t).template == worker) {
            return true;
        }
    }
    return worker == balancer->owner->template;
}

static const proxy_worker *lb_configured_worker(const proxy_worker *worker)
{
    const lb_balancer_t *balancer = worker->balancer ? lb_balancer_of(worker->balancer) : NULL;

    if (!balancer || is_template(balancer, worker)) {    /* NULL: it is being configured */
        return worker;
    }
    return lb_balancer_configured_worker(balancer, worker->s->index);
}

static const char *lb_member_tls_name(const proxy_worker *worker)
{
    const lb_balancer_t *balancer = lb_balancer_of(worker->balancer);
    const lb_source_t *source =
        balancer ? lb_roster_source(balancer->roster, worker->s->index) : NULL;
    return source ? source->template->s->hostname_ex : worker->s->hostname_ex;
}

static int lb_member_is_wanted(const proxy_worker *worker)
{
    const lb_balancer_t *balancer = lb_balancer_of(worker->balancer);
    return !balancer || is_template(balancer, worker)
           || lb_roster_admits(balancer->roster, worker);
}

static int lb_checks_count(void)
{
    return lb_checks_how_many();
}

static const lb_check_t *lb_checks_next(apr_interval_time_t *wait)
{
    return lb_checks_begin_next(wait);
}

static void lb_checks_report(const lb_check_t *check, const lb_check_result_t *result,
                             apr_pool_t *p)
{
    lb_checks_end(check, result, p);
}

static apr_array_header_t *lb_snapshot(apr_pool_t *p, server_rec *any)
{
    return lb_snapshot_take(p, any);
}

static void lb_snapshot_each(apr_pool_t *p, server_rec *any,
                             void (*take)(void *data, const lb_balancer_view_t *balancer),
                             void *data)
{
    lb_snapshot_take_each(p, any, take, data);
}

static lb_member_detail_t *lb_member_detail(apr_pool_t *p, int balancer, const char *url)
{
    return lb_member_detail_take(p, balancer, url);
}

static void lb_exemplars_read(const lb_exemplars_t *exemplars, lb_time_t time,
                              lb_exemplar_t of_buckets[LB_HISTOGRAM_BUCKETS])
{
    lb_snapshot_copy_exemplars(exemplars, time, of_buckets);
}

static lb_change_result_t *lb_change_all(apr_pool_t *p, server_rec *any,
                                         const apr_array_header_t *changes, const char *by)
{
    const lb_intent_note_t *note = lb_intent_note_begin(p, changes);
    lb_change_result_t *result = lb_change_apply_all(p, any, changes);

    lb_intent_note_end(note, result, by);
    return result;
}

static void lb_change_listen(void (*hear)(const apr_array_header_t *heard))
{
    lb_intent_exchange_listen(hear);
}

static bool lb_change_travels(const char *balancer, const char *vhost)
{
    return lb_intent_target_shares(lb_change_plan_find_balancer(balancer, vhost));
}

static apr_array_header_t *lb_change_errors(apr_pool_t *p, server_rec *any,
                                            const apr_array_header_t *changes)
{
    return lb_change_apply_check(p, any, changes);
}

static lb_contract_t lb_contract(void)
{
    return (lb_contract_t){ .version = FASTCGI_CLUSTER_VERSION, .stamp = fc_contract_stamp };
}

static const lb_fleet_view_t *lb_fleet_view(apr_pool_t *p)
{
    return lb_fleet_view_take(p);
}

static const char *lb_fleet_forget(apr_pool_t *p, const char *front)
{
    return lb_forgetting_begin(p, front);
}

void lb_contract_register(void)
{
    APR_REGISTER_OPTIONAL_FN(lb_contract);
    APR_REGISTER_OPTIONAL_FN(lb_ticket_of);
    APR_REGISTER_OPTIONAL_FN(lb_ticket_release);
    APR_REGISTER_OPTIONAL_FN(lb_ticket_abandon);
    APR_REGISTER_OPTIONAL_FN(lb_ticket_note_head);
    APR_REGISTER_OPTIONAL_FN(lb_handler_waits);
    APR_REGISTER_OPTIONAL_FN(lb_handler_keeps);
    APR_REGISTER_OPTIONAL_FN(lb_ticket_balancer);
    APR_REGISTER_OPTIONAL_FN(lb_ticket_turn);
    APR_REGISTER_OPTIONAL_FN(lb_ticket_next);
    APR_REGISTER_OPTIONAL_FN(lb_ticket_pause);
    APR_REGISTER_OPTIONAL_FN(lb_ticket_resume);
    APR_REGISTER_OPTIONAL_FN(lb_ticket_may_park);
    APR_REGISTER_OPTIONAL_FN(lb_ticket_note_parked);
    APR_REGISTER_OPTIONAL_FN(lb_ticket_may_resend);
    APR_REGISTER_OPTIONAL_FN(lb_ticket_retry_after);
    APR_REGISTER_OPTIONAL_FN(lb_configured_worker);
    APR_REGISTER_OPTIONAL_FN(lb_member_tls_name);
    APR_REGISTER_OPTIONAL_FN(lb_member_is_wanted);
    APR_REGISTER_OPTIONAL_FN(lb_checks_count);
    APR_REGISTER_OPTIONAL_FN(lb_checks_next);
    APR_REGISTER_OPTIONAL_FN(lb_checks_report);
    APR_REGISTER_OPTIONAL_FN(lb_snapshot);
    APR_REGISTER_OPTIONAL_FN(lb_snapshot_each);
    APR_REGISTER_OPTIONAL_FN(lb_exemplars_read);
    APR_REGISTER_OPTIONAL_FN(lb_member_detail);
    APR_REGISTER_OPTIONAL_FN(lb_change_all);
    APR_REGISTER_OPTIONAL_FN(lb_change_errors);
    APR_REGISTER_OPTIONAL_FN(lb_change_listen);
    APR_REGISTER_OPTIONAL_FN(lb_change_travels);
    APR_REGISTER_OPTIONAL_FN(lb_fleet_view);
    APR_REGISTER_OPTIONAL_FN(lb_fleet_forget);
}
