/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* waiting.c - see waiting.h. */
#include "waiting.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "apr_thread_mutex.h"
#include "clock.h"
#include "directive.h"
#include "gate.h"
#include "health.h"
#include "member_config.h"
#include "name_hash.h"

/* The environment variables by which a configuration says who goes first and whose request it is;
 * and what it is without. */
#define FLOW_VARIABLE     "balancer-flow"
#define PRIORITY_VARIABLE "balancer-priority"
#define PRIORITY_DEFAULT  5
#define PRIORITY_LAST     9

/* How often it is looked whether a session's member is still usable: no bell rings for it. (For a
 * member that comes back the child thread lets in who waits.) */
#define LOOK_AGAIN_US (250 * 1000)

static struct {
    apr_thread_mutex_t *lock;    /* NULL when the process ends */
    lb_place_t *first;
} waiting;

/* Requests that hold no thread may still wait when the process ends. */
static apr_status_t end(void *unused)
{
    waiting.lock = NULL;
    return APR_SUCCESS;
}

void lb_waiting_child_init(apr_pool_t *pchild)
{
    apr_thread_mutex_create(&waiting.lock, APR_THREAD_MUTEX_DEFAULT, pchild);
    waiting.first = NULL;
    apr_pool_pre_cleanup_register(pchild, NULL, end);
}

void lb_waiting_wake(const lb_ledger_t *ledger)
{
    apr_thread_mutex_lock(waiting.lock);
    for (const lb_place_t *p = waiting.first; p; p = p->next) {
        if (p->ledger == ledger && lb_admission_is_decided(ledger, p->slot)) {
            (void)eventfd_write(p->bell, 1);
        }
    }
    apr_thread_mutex_unlock(waiting.lock);
}

static void enter(lb_place_t *place)
{
    apr_thread_mutex_lock(waiting.lock);
    place->next = waiting.first;
    place->at = &waiting.first;
    if (place->next) {
        place->next->at = &place->next;
    }
    waiting.first = place;
    apr_thread_mutex_unlock(waiting.lock);
}

static void leave(const lb_place_t *place)
{
    if (!waiting.lock) {
        return;
    }
    apr_thread_mutex_lock(waiting.lock);
    *place->at = place->next;
    if (place->next) {
        place->next->at = place->at;
    }
    apr_thread_mutex_unlock(waiting.lock);
}

static uint32_t priority_of(request_rec *r)
{
    const char *text = apr_table_get(r->subprocess_env, PRIORITY_VARIABLE);
    const long given = text ? strtol(text, NULL, 10) : PRIORITY_DEFAULT;
    return given < 0 ? 0 : given > PRIORITY_LAST ? PRIORITY_LAST
                                                 : (uint32_t)given;
}

/* 0: none */
static uint64_t flow_of(request_rec *r)
{
    const char *name = apr_table_get(r->subprocess_env, FLOW_VARIABLE);
    return name && *name ? fc_name_hash(FC_NAME_HASH_START, name) : 0;
}

static lb_waiter_t request_of(const lb_ticket_t *ticket, const lb_member_t *only)
{
    lb_waiter_t request = { .priority = priority_of(ticket->r),
                            .flow = flow_of(ticket->r),
                            .member = only ? lb_member_index(only) : LB_NOBODY };
    const lb_member_t *tried =
        ticket->tried ? (const lb_member_t *)(const void *)ticket->tried->elts : &ticket->member;
    const int count = ticket->tried ? ticket->tried->nelts : ticket->member.worker != NULL;

    for (int i = 0; i < LB_TRIED_MAX; i++) {
        request.tried[i] = i < count ? lb_member_index(&tried[i]) : LB_NOBODY;
    }
    return request;
}

/* The longest that one of its members allows; us. */
static int64_t time_limit(const lb_balancer_t *balancer)
{
    int64_t longest = 0;
    lb_member_t member;

    for (int i = 0; lb_member_next(balancer, &i, &member);) {
        const int64_t limit = atomic_load(&member.row->queue_timeout);
        longest = limit > longest ? limit : longest;
    }
    return longest ? longest : lb_member_config_queue_to_come(balancer).timeout;
}

/* A process of another generation may have served it with a member that is in its configuration and
 * not in ours; one that was added at run time may be new to us. And of those who were served with a
 * member that is due for its trial one gets that; the others go on waiting, in their places. */
static bool was_served(lb_ticket_t *ticket)
{
    const lb_place_t *place = ticket->place;
    const lb_balancer_t *balancer = ticket->balancer;
    const uint32_t granted = lb_admission_granted(place->ledger, place->slot);

    if (granted == LB_NOBODY) {
        return false;
    }
    lb_member_t member = lb_member_at(balancer, granted);
    if (!member.worker) {
        lb_balancer_sync(ticket->proxy, ticket->r->server);
        member = lb_member_at(balancer, granted);
    }
    if (member.worker && lb_gate_admit(ticket, &member)) {
        return true;
    }
    lb_admission_decline(balancer->ledger, place->slot, !member.worker);
    lb_gate_serve(balancer);
    return false;
}

static void give_up(const lb_ticket_t *ticket, uint32_t granted)
{
    const lb_member_t member = lb_member_at(ticket->balancer, granted);

    if (member.worker) {
        lb_gate_give_back(&member, NULL);
    }
    else {
        lb_gate_give_back_unknown(ticket->balancer, granted);
    }
}

/* When the client stops waiting, by the header that the configuration names; monotonic us.
 * returns  INT64_MAX: it does not say */
static int64_t client_waits_until(const lb_ticket_t *ticket, const lb_queue_settings_t *settings)
{
    const char *text =
        settings->patience_header
            ? apr_table_get(ticket->r->headers_in, settings->patience_header)
            : NULL;
    int64_t patience;

    return text && fc_directive_duration(text, &patience) && patience > 0
                   && patience <= FC_TIME_LIMIT_MAX
               ? ticket->began + patience
               : INT64_MAX;
}

/* Refuse it at once when the wait will be longer? First in, first out waits in any case, as always,
 * unless the client has said how long. */
static int64_t patience_at(const lb_place_t *place, const lb_queue_settings_t *settings,
                           int64_t client_until)
{
    const int64_t patience = place->deadline - place->since;

    if (settings->order == LB_ORDER_FIFO && client_until == INT64_MAX) {
        return 0;
    }
    return patience > 0 ? patience : 1;
}

static lb_place_t *make_place(lb_ticket_t *ticket, const lb_member_t *only,
                              int64_t client_until)
{
    const int64_t sticky_wait = only ? atomic_load(&only->row->sticky_wait) : 0;
    lb_place_t *place = apr_pcalloc(ticket->r->pool, sizeof(*place));

    place->ledger = ticket->balancer->ledger;
    place->only = only ? *only : (lb_member_t){ 0 };
    place->is_narrow = only && !ticket->proxy->s->sticky_force;
    place->since = fc_now();
    const int64_t until = place->since + time_limit(ticket->balancer);
    place->deadline = client_until < until ? client_until : until;
    place->widen_at = sticky_wait > 0 ? place->since + sticky_wait : place->deadline;
    return place;
}

lb_outcome_t lb_waiting_begin(lb_ticket_t *ticket, const lb_member_t *only)
{
    lb_waiter_t request = request_of(ticket, only);
    const lb_queue_settings_t *settings = &ticket->balancer->settings->queue;
    const int64_t client_until = client_waits_until(ticket, settings);
    lb_place_t *place = make_place(ticket, only, client_until);
    lb_outcome_t refusal = LB_QUEUE_FULL;

    request.since = place->since;
    request.patience = patience_at(place, settings, client_until);
    place->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    place->slot = place->bell >= 0 ? lb_gate_queue(ticket, &request, &refusal) : LB_NOBODY;
    if (place->slot == LB_NOBODY) {
        close(place->bell);
        return refusal;
    }
    ticket->place = place;
    enter(place);
    /* what was free when we asked may be so again, and nobody else comes to say it */
    lb_gate_serve(ticket->balancer);
    return LB_SERVED;
}

/* returns  the member on which a right is held now, or LB_NOBODY */
static uint32_t end_waiting(lb_ticket_t *ticket, lb_outcome_t why)
{
    lb_place_t *place = ticket->place;
    const apr_time_t now = fc_now();

    leave(place);
    close(place->bell);
    ticket->place = NULL;
    ticket->queued += now - place->since;
    return lb_admission_end(ticket->balancer->ledger, place->slot, why, now);
}

void lb_waiting_leave(lb_ticket_t *ticket)
{
    const uint32_t granted = ticket->place ? end_waiting(ticket, LB_SERVED) : LB_NOBODY;

    if (granted != LB_NOBODY) {
        give_up(ticket, granted);
    }
}

static void widen_when_due(lb_ticket_t *ticket)
{
    lb_place_t *place = ticket->place;

    if (place->is_narrow
        && (fc_now() >= place->widen_at || !lb_health_is_ready(&place->only))) {
        place->is_narrow = false;
        lb_admission_widen(ticket->balancer->ledger, place->slot);
        lb_gate_serve(ticket->balancer);
    }
}

bool lb_waiting_look(lb_ticket_t *ticket, lb_outcome_t *outcome, lb_member_t *member)
{
    const lb_place_t *place = ticket->place;
    const bool has_gone = ticket->r->connection->aborted;
    eventfd_t rings;

    (void)eventfd_read(place->bell, &rings);    /* or it would ring on after a decline */
    const lb_outcome_t refusal = lb_admission_refusal(place->ledger, place->slot);
    if (!has_gone && refusal == LB_SERVED && fc_now() < place->deadline && !was_served(ticket)) {
        widen_when_due(ticket);
        if (!was_served(ticket)) {
            return false;
        }
    }
    const uint32_t granted = end_waiting(ticket, has_gone ? LB_CLIENT_ABORT : LB_QUEUE_TIMEOUT);
    *member = granted != LB_NOBODY ? lb_member_at(ticket->balancer, granted) : (lb_member_t){ 0 };
    if (granted != LB_NOBODY && (!member->worker || has_gone)) {    /* of no use */
        give_up(ticket, granted);
        *member = (lb_member_t){ 0 };
    }
    *outcome = member->worker ? LB_SERVED : has_gone           ? LB_CLIENT_ABORT
                                        : refusal != LB_SERVED ? refusal
                                                               : LB_QUEUE_TIMEOUT;
    return true;
}

apr_interval_time_t lb_waiting_patience(const lb_ticket_t *ticket)
{
    const lb_place_t *place = ticket->place;
    const apr_time_t now = fc_now();
    apr_interval_time_t left = place->deadline - now;

    if (place->is_narrow && place->widen_at - now < left) {
        left = place->widen_at - now;
    }
    if (place->is_narrow && LOOK_AGAIN_US < left) {
        left = LOOK_AGAIN_US;
    }
    return left > 0 ? left : 0;
}
