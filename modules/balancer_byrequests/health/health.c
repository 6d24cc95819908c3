/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* health.c - see health.h. */
#include "health.h"

#include <unistd.h>

#include "clock.h"
#include "cluster.h"
#include "member_config.h"
#include "member_params.h"
#include "member_state.h"
#include "wall_clock.h"

#define BUSY_US            apr_time_from_sec(1)
/* Without retry= */
#define FIRST_BAN_US       apr_time_from_sec(1)
#define LONGEST_BAN_US     apr_time_from_sec(60)
/* With retry=: ten times that, but not over this. */
#define LONGEST_RETRY_US   apr_time_from_sec(600)
/* A trial that nobody settled for so long: is its process alive? */
#define TRIAL_LOOK_US      apr_time_from_sec(1)
/* What keeps a member out besides its errors. */
#define SWITCHED_OFF       (PROXY_WORKER_NOT_USABLE_BITMAP & ~PROXY_WORKER_IN_ERROR)

static lb_strike_rules_t rules_of(const proxy_worker *member)
{
    const lb_member_params_t *params = lb_member_config_params(member);
    lb_strike_rules_t rules = { .max = (uint32_t)params->maxfails, .window = params->failwindow,
                                .first_ban = FIRST_BAN_US, .longest_ban = LONGEST_BAN_US };

    if (member->s->retry_set && member->s->retry > 0) {
        rules.first_ban = member->s->retry;
        rules.longest_ban = 10 * member->s->retry;
        if (rules.longest_ban > LONGEST_RETRY_US) {
            rules.longest_ban = LONGEST_RETRY_US;
        }
        if (rules.longest_ban < rules.first_ban) {
            rules.longest_ban = rules.first_ban;
        }
    }
    return rules;
}

/* +I, or retry=0: a member that is never put out. */
static bool is_never_out(const proxy_worker *member)
{
    return PROXY_WORKER_IS(member, PROXY_WORKER_IGNORE_ERRORS)
           || (member->s->retry_set && member->s->retry == 0);
}

/* ---- May it serve? --------------------------------------------------------------------------- */

lb_phase_t lb_health_phase(const proxy_balancer *b, const proxy_worker *member)
{
    return lb_strikes_look(lb_member_state_row(b, member), 0).phase;
}

static bool is_in_service(const proxy_balancer *b, const proxy_worker *member)
{
    return !PROXY_WORKER_IS_ERROR(member) && lb_health_phase(b, member) == LB_IN_SERVICE;
}

/* Its child process was killed. */
static bool is_lost(const proxy_balancer *b, const lb_strikes_view_t *trial)
{
    return trial->age >= TRIAL_LOOK_US
           && !lb_ledger_has_process(lb_cluster_of(b)->ledger->table, (int32_t)trial->owner);
}

static bool ban_is_over(const proxy_worker *member, const lb_strikes_view_t *seen, apr_time_t now)
{
    const lb_strike_rules_t rules = rules_of(member);
    return lb_strikes_ban_is_over(seen, &rules, now);
}

static bool was_checked_since(const proxy_balancer *b, const proxy_worker *member, apr_time_t since)
{
    return atomic_load(&lb_cluster_row(b, member)->check.checked_at) >= since;
}

bool lb_health_awaits_check(const proxy_balancer *b, const proxy_worker *member)
{
    const apr_time_t now = fcgi_now();
    const lb_strikes_view_t seen = lb_strikes_look(lb_member_state_row(b, member), now);

    return seen.phase == LB_BANNED && ban_is_over(member, &seen, now)
           && !was_checked_since(b, member, seen.until);
}

/* No request is risked on a member that has checks before one of them went well. */
static bool has_passed_check(const proxy_balancer *b, const proxy_worker *member, apr_time_t since)
{
    return !lb_member_config_has_checks(member)
           || (was_checked_since(b, member, since)
               && atomic_load(&lb_cluster_row(b, member)->check.passes) > 0);
}

/* By the wall clock, as mod_proxy writes it; it may have been set back since. */
static bool is_retry_due(const proxy_worker *member)
{
    const apr_time_t waited = apr_time_now() - member->s->error_time;
    return waited < 0 || waited >= member->s->retry;
}

/* Is it time for a trial of a member that is not in service? */
static bool is_due(const proxy_balancer *b, const proxy_worker *member,
                   const lb_strikes_view_t *seen, apr_time_t now)
{
    switch (seen->phase) {
    case LB_BANNED:
        return ban_is_over(member, seen, now) && has_passed_check(b, member, seen->until);
    case LB_ON_TRIAL:
        return lb_strikes_trial_is_open(seen) || is_lost(b, seen);
    default:    /* the bit is mod_proxy's own, or from status=+E: stock's rule */
        return is_retry_due(member);
    }
}

static bool is_due_now(const proxy_balancer *b, const proxy_worker *member)
{
    const apr_time_t now = fcgi_now();
    const lb_strikes_view_t seen = lb_strikes_look(lb_member_state_row(b, member), now);
    return is_due(b, member, &seen, now);
}

lb_readiness_t lb_health_readiness(const proxy_balancer *b, const proxy_worker *member)
{
    if ((member->s->status & SWITCHED_OFF) || !PROXY_WORKER_IS_INITIALIZED(member)) {
        return LB_READY_NEVER;
    }
    if (!is_in_service(b, member) && !is_never_out(member) && !is_due_now(b, member)) {
        return b->s->forcerecovery ? LB_READY_AT_LAST : LB_READY_NEVER;
    }
    return lb_health_is_busy(b, member) ? LB_READY_LATE : LB_READY;
}

bool lb_health_is_ready(const proxy_balancer *b, const proxy_worker *member)
{
    return lb_health_readiness(b, member) >= LB_READY_LATE;
}

/* ---- Back in service ------------------------------------------------------------------------- */

static void recover(const proxy_balancer *b, proxy_worker *member, const char *why, server_rec *s)
{
    if (lb_strikes_recover(lb_member_state_row(b, member), fcgi_now())
        || PROXY_WORKER_IS_ERROR(member)) {
        lb_member_state_show_return(b, member, why, s);
    }
}

/* ---- Requests to members in error ------------------------------------------------------------ */

static apr_status_t let_go_forgotten(void *trial)
{
    lb_health_let_go_of_trial(trial);
    return APR_SUCCESS;
}

/* claim  0: the request tries it without one, as nobody else is left */
static void begin_trial(lb_trial_t *trial, proxy_worker *member, uint64_t claim)
{
    trial->claim = claim;
    trial->member = member;
    apr_pool_cleanup_register(trial->r->pool, trial, let_go_forgotten, apr_pool_cleanup_null);
    lb_member_state_show_trial(trial->balancer, member, claim != 0, trial->r);
}

static bool claim_trial(lb_trial_t *trial, proxy_worker *member)
{
    const proxy_balancer *b = trial->balancer;
    const apr_time_t now = fcgi_now();
    lb_strikes_t *strikes = lb_member_state_row(b, member);
    const lb_strikes_view_t seen = lb_strikes_look(strikes, now);

    if (!is_due(b, member, &seen, now)) {
        return false;
    }
    const uint64_t claim = lb_strikes_claim(strikes, &seen, (uint32_t)getpid(), now);
    if (claim) {
        begin_trial(trial, member, claim);
    }
    return claim != 0;
}

bool lb_health_admit(lb_trial_t *trial, proxy_worker *member)
{
    if (is_in_service(trial->balancer, member) || (trial->claim && trial->member == member)) {
        return true;
    }
    if (is_never_out(member)) {
        recover(trial->balancer, member, "it is never put in error", trial->r->server);
        return true;
    }
    return claim_trial(trial, member);
}

bool lb_health_admit_at_last(lb_trial_t *trial, proxy_worker *member)
{
    if (lb_health_readiness(trial->balancer, member) < LB_READY_AT_LAST) {
        return false;
    }
    if (!trial->member) {
        begin_trial(trial, member, 0);
    }
    return true;
}

/* returns  how the request had its member in error, if it had one */
static lb_trial_t end_trial(lb_trial_t *trial)
{
    const lb_trial_t ended = *trial;

    trial->member = NULL;
    trial->claim = 0;
    if (ended.member) {
        apr_pool_cleanup_kill(trial->r->pool, trial, let_go_forgotten);
    }
    return ended;
}

/* It was tried without a claim, and nothing has changed. */
static void stay_out(const proxy_balancer *b, proxy_worker *member)
{
    if (lb_health_phase(b, member) != LB_IN_SERVICE) {
        lb_member_state_show_error(member);
    }
}

void lb_health_pass_trial(lb_trial_t *trial)
{
    const proxy_balancer *b = trial->balancer;
    const lb_trial_t ended = end_trial(trial);

    if (ended.member && !ended.claim) {
        recover(b, ended.member, "tried as a last resort", trial->r->server);
    }
    else if (ended.member && lb_strikes_pass(lb_member_state_row(b, ended.member), ended.claim,
                                             fcgi_now())) {
        lb_member_state_show_return(b, ended.member, "trial", trial->r->server);
    }
}

void lb_health_let_go_of_trial(lb_trial_t *trial)
{
    const proxy_balancer *b = trial->balancer;
    const lb_trial_t ended = end_trial(trial);

    if (ended.member && !ended.claim) {
        stay_out(b, ended.member);
    }
    else if (ended.member && lb_strikes_let_go(lb_member_state_row(b, ended.member), ended.claim,
                                               fcgi_now())) {
        lb_member_state_show_error(ended.member);
    }
}

void lb_health_fail_trial(lb_trial_t *trial, const char *reason)
{
    const proxy_balancer *b = trial->balancer;
    const lb_trial_t ended = end_trial(trial);

    if (!ended.claim) {
        stay_out(b, ended.member);
        return;
    }
    const lb_strike_rules_t rules = rules_of(ended.member);
    const int64_t length = lb_strikes_fail(lb_member_state_row(b, ended.member), ended.claim,
                                           &rules, fcgi_now());
    if (length) {
        lb_member_state_show_ban(b, ended.member, true, length, reason, trial->r);
    }
}

/* ---- Strikes --------------------------------------------------------------------------------- */

static bool is_last_usable(const proxy_balancer *b, const proxy_worker *member)
{
    for (int i = 0; i < b->workers->nelts; i++) {
        const proxy_worker *other = lb_cluster_member(b, i);
        if (other && other != member && lb_cluster_admits(b, other)
            && PROXY_WORKER_IS_INITIALIZED(other)
            && !(other->s->status & (SWITCHED_OFF | PROXY_WORKER_DRAIN))
            && lb_health_phase(b, other) == LB_IN_SERVICE) {
            return false;
        }
    }
    return true;
}

void lb_health_strike(const proxy_balancer *b, proxy_worker *member, const lb_failure_t *failure,
                      request_rec *r)
{
    lb_strikes_t *strikes = lb_member_state_row(b, member);

    if (is_never_out(member)) {
        lb_member_state_mend(b, member);
        return;
    }
    const lb_strike_rules_t rules = rules_of(member);
    if (lb_strikes_add(strikes, &rules, failure->is_soft, failure->began, fcgi_now()) < rules.max) {
        atomic_store(&strikes->is_kept, 0);
        lb_member_state_mend(b, member);
    }
    else if (failure->is_soft && b->s->forcerecovery && is_last_usable(b, member)) {
        lb_member_state_show_last(b, member, failure->reason, r);
    }
    else {
        const int64_t ban = lb_strikes_ban(strikes, &rules, fcgi_now());
        if (ban) {
            lb_member_state_show_ban(b, member, false, ban, failure->reason, r);
        }
    }
}

void lb_health_praise(const proxy_balancer *b, const proxy_worker *member)
{
    lb_strikes_t *strikes = lb_member_state_row(b, member);

    if (atomic_load_explicit(&strikes->soft_pending, memory_order_relaxed)) {
        lb_strikes_forgive(strikes, fcgi_now());
    }
}

void lb_health_note_busy(const proxy_balancer *b, const proxy_worker *member)
{
    atomic_store(&lb_cluster_row(b, member)->busy_until, fcgi_now() + BUSY_US);
}

bool lb_health_is_busy(const proxy_balancer *b, const proxy_worker *member)
{
    const int64_t until = atomic_load(&lb_cluster_row(b, member)->busy_until);
    return until != 0 && fcgi_now() < until;
}

/* ---- For the snapshot ------------------------------------------------------------------------ */

apr_time_t lb_health_next_trial(const proxy_balancer *b, const proxy_worker *member)
{
    const lb_strikes_view_t seen = lb_strikes_look(lb_member_state_row(b, member), 0);

    if (seen.phase == LB_IN_SERVICE) {
        return PROXY_WORKER_IS_ERROR(member) ? member->s->error_time + member->s->retry : 0;
    }
    return lb_wall_clock_of(seen.until);
}

uint32_t lb_health_strikes(const proxy_balancer *b, const proxy_worker *member, apr_time_t now)
{
    const lb_strike_rules_t rules = rules_of(member);
    return lb_strikes_count(lb_member_state_row(b, member), &rules, now);
}
