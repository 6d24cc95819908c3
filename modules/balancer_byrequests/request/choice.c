/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* choice.c - see choice.h. */
#include "choice.h"

#include "clock.h"
#include "fastcgi_log.h"
#include "gate.h"
#include "health.h"
#include "holding.h"
#include "http_log.h"
#include "lbmethod.h"
#include "session.h"
#include "waiting.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

/* So often may the chosen member be removed before the ticket holds it. */
#define REMOVED_MEANWHILE_MAX 8

static lb_member_t elect(lb_ticket_t *ticket, bool *are_full)
{
    lb_member_t member = lb_lbmethod_elect(ticket, are_full);

    if (!member.worker && !*are_full) {
        /* who was just added, or has moved; another thread may have seen it before us */
        lb_balancer_sync(ticket->proxy, ticket->r->server);
        member = lb_lbmethod_elect(ticket, are_full);
    }
    return member;
}

/* No member is usable: the balancer's timeout says how long to wait for one. */
static bool may_still_come(lb_ticket_t *ticket)
{
    const apr_time_t now = fc_now();

    if (ticket->patient_until == 0) {
        ticket->patient_until = now + ticket->proxy->s->timeout;
    }
    return now < ticket->patient_until && !ticket->r->connection->aborted;
}

/* How it stands with the request's place in the queue. */
static lb_outcome_t look_at_place(lb_ticket_t *ticket, lb_member_t *member)
{
    const lb_member_t own = ticket->place->only;    /* the place may be gone afterwards */
    lb_outcome_t outcome;

    if (!lb_waiting_look(ticket, &outcome, member)) {
        return LB_CHOICE_WAITS;
    }
    if (outcome == LB_SERVED && lb_member_is(member, &own)) {
        lb_lbmethod_account(ticket, &own);
    }
    return outcome;
}

/* own     NULL: any will do */
static lb_outcome_t queue_up(lb_ticket_t *ticket, const lb_member_t *own, lb_member_t *member)
{
    const lb_outcome_t outcome = lb_waiting_begin(ticket, own);
    return outcome == LB_SERVED ? look_at_place(ticket, member) : outcome;
}

static int count_members(const lb_balancer_t *balancer)
{
    lb_member_t member;
    int count = 0;

    for (int i = 0; lb_member_next(balancer, &i, &member);) {
        count++;
    }
    return count;
}

static lb_outcome_t elect_or_queue(lb_ticket_t *ticket, lb_member_t *member)
{
    bool are_full = false;

    *member = elect(ticket, &are_full);
    if (member->worker) {
        return LB_SERVED;
    }
    if (are_full) {
        return queue_up(ticket, NULL, member);
    }
    if (may_still_come(ticket)) {
        return LB_CHOICE_WAITS;
    }
    if (ticket->tries == 0) {    /* after a failed try its line says enough */
        const int members = count_members(ticket->balancer);
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, ticket->r, FCLOGNO(0422) "%s: no_member: %s",
                      ticket->proxy->s->name,
                      members > 0
                          ? apr_psprintf(ticket->r->pool, "none of its %d members is usable",
                                         members)
                          : "it has no members: no BalancerMember lines, or no addresses in DNS");
    }
    return LB_NO_MEMBER;
}

/* The session's own member, at once or after waiting for it. A member without room or queue is like
 * one that cannot serve: another is elected, unless the balancer says nofailover. */
static lb_outcome_t take_or_queue(lb_ticket_t *ticket, const lb_member_t *own,
                                  lb_member_t *member)
{
    if (lb_gate_take(own)) {
        *member = *own;
        lb_lbmethod_account(ticket, own);
        return LB_SERVED;
    }
    const lb_outcome_t outcome = queue_up(ticket, own, member);
    return outcome == LB_QUEUE_FULL && !ticket->proxy->s->sticky_force
               ? elect_or_queue(ticket, member)
               : outcome;
}

static lb_outcome_t choose_for_session(lb_ticket_t *ticket, lb_member_t *member)
{
    lb_session_t *session = ticket->session;
    const lb_member_t own = lb_session_member(ticket, session);

    if (own.worker) {
        return take_or_queue(ticket, &own, member);
    }
    if (lb_session_is_bound(ticket)) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, ticket->r, FCLOGNO(0421)
                      "%s: no usable member for the session (%s), and nofailover=On",
                      ticket->proxy->s->name, lb_session_wording(ticket, session));
        return LB_NO_MEMBER;
    }
    return elect_or_queue(ticket, member);
}

/* returns  LB_SERVED with a right on the member; LB_CHOICE_WAITS; else why there is none */
static lb_outcome_t choose(lb_ticket_t *ticket, lb_member_t *member)
{
    const lb_outcome_t outcome = ticket->place ? look_at_place(ticket, member)
                                               : choose_for_session(ticket, member);

    if (outcome == LB_SERVED && lb_session_is_on(ticket->balancer)
        && !lb_session_is_at(ticket->session, member)) {
        apr_table_setn(ticket->r->subprocess_env, "BALANCER_ROUTE_CHANGED", "1");
    }
    return outcome;
}

void lb_choice_begin(lb_ticket_t *ticket)
{
    const lb_session_t session = lb_session_of(ticket);
    ticket->session = apr_pmemdup(ticket->r->pool, &session, sizeof(session));
}

/* Of many who found a trial due one gets it, and the others see that in the next round. */
lb_outcome_t lb_choice_make(lb_ticket_t *ticket)
{
    int again = 0;

    for (;;) {
        lb_member_t member = { 0 };
        const lb_outcome_t outcome = choose(ticket, &member);
        if (outcome != LB_SERVED) {
            return outcome;
        }
        if (!lb_gate_admit(ticket, &member)) {
            lb_gate_give_back(&member, NULL);
            continue;
        }
        if (lb_holding_take(ticket, &member)) {
            return LB_SERVED;
        }
        lb_health_let_go_of_trial(&ticket->trial);
        if (again++ == REMOVED_MEANWHILE_MAX) {
            return LB_NO_MEMBER;
        }
        lb_balancer_sync(ticket->proxy, ticket->r->server);
    }
}
