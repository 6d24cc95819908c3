/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* health.c - see health.h. */
#include "health.h"

#include <unistd.h>

#include "apr_strings.h"
#include "clock.h"
#include "fleet_evidence.h"
#include "fleet_settings.h"
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

static lb_fleet_evidence_t evidence_of(const lb_member_t *member)
{
    return lb_fleet_settings_shares(member->balancer->settings->fleet, LB_FLEET_HEALTH)
               ? lb_fleet_evidence_of(atomic_load(&member->row->evidence))
               : (lb_fleet_evidence_t){ 0 };
}

static lb_strike_rules_t rules_of(const lb_member_t *member)
{
    const lb_member_params_t *params = lb_member_config_params(member);
    const proxy_worker_shared *s = member->worker->s;
    lb_strike_rules_t rules = { .max = lb_fleet_evidence_failures_needed(
                                    evidence_of(member), (uint32_t)params->maxfails),
                                .window = params->failwindow,
                                .first_ban = FIRST_BAN_US,
                                .longest_ban = LONGEST_BAN_US };

    if (s->retry_set && s->retry > 0) {
        rules.first_ban = s->retry;
        rules.longest_ban = 10 * s->retry;
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
static bool is_never_out(const lb_member_t *member)
{
    const proxy_worker_shared *s = member->worker->s;
    return PROXY_WORKER_IS(member->worker, PROXY_WORKER_IGNORE_ERRORS)
           || (s->retry_set && s->retry == 0);
}

/* ---- May it serve? --------------------------------------------------------------------------- */

lb_phase_t lb_health_phase(const lb_member_t *member)
{
    return lb_strikes_look(&member->row->strikes, 0).phase;
}

static bool is_in_service(const lb_member_t *member)
{
    return !PROXY_WORKER_IS_ERROR(member->worker) && lb_health_phase(member) == LB_IN_SERVICE;
}

/* Its child process was killed. */
static bool is_lost(const lb_balancer_t *balancer, const lb_strikes_view_t *trial)
{
    return trial->age >= TRIAL_LOOK_US
           && !lb_ledger_has_process(balancer->ledger->table, (int32_t)trial->owner);
}

static bool ban_is_over(const lb_member_t *member, const lb_strikes_view_t *seen, apr_time_t now)
{
    const lb_strike_rules_t rules = rules_of(member);
    return lb_strikes_ban_is_over(seen, &rules, now);
}

static bool was_checked_since(const lb_member_t *member, apr_time_t since)
{
    return atomic_load(&member->row->check.checked_at) >= since;
}

bool lb_health_awaits_check(const lb_member_t *member)
{
    const apr_time_t now = fc_now();
    const lb_strikes_view_t seen = lb_strikes_look(&member->row->strikes, now);

    return seen.phase == LB_BANNED && ban_is_over(member, &seen, now)
           && !was_checked_since(member, seen.until);
}

/* No request is risked on a member that has checks before one of them went well. */
static bool has_passed_check(const lb_member_t *member, apr_time_t since)
{
    const lb_check_row_t *check = &member->row->check;

    return !lb_member_config_has_checks(member)
           || (atomic_load(&check->judged_at) >= since && atomic_load(&check->passes) > 0);
}

/* By the wall clock, as mod_proxy writes it; it may have been set back since. */
static bool is_retry_due(const proxy_worker *worker)
{
    const proxy_worker_shared *s = worker->s;
    const apr_time_t waited = apr_time_now() - s->error_time;
    return waited < 0 || waited >= s->retry;
}

/* Is it time for a trial of a member that is not in service? */
static bool is_due(const lb_member_t *member, const lb_strikes_view_t *seen, apr_time_t now)
{
    switch (seen->phase) {
    case LB_BANNED:
        return ban_is_over(member, seen, now) && has_passed_check(member, seen->until);
    case LB_ON_TRIAL:
        return lb_strikes_trial_is_open(seen) || is_lost(member->balancer, seen);
    default:    /* the bit is mod_proxy's own, or from status=+E: stock's rule */
        return is_retry_due(member->worker);
    }
}

static bool is_due_now(const lb_member_t *member)
{
    const apr_time_t now = fc_now();
    const lb_strikes_view_t seen = lb_strikes_look(&member->row->strikes, now);
    return is_due(member, &seen, now);
}

/* forcerecovery */
static bool recovers_by_force(const lb_balancer_t *balancer)
{
    return balancer->proxy->s->forcerecovery;
}

/* Has it said lately that it has too much to do? */
static bool is_busy(const lb_member_t *member)
{
    const int64_t until = atomic_load(&member->row->busy_until);
    return until != 0 && fc_now() < until;
}

lb_readiness_t lb_health_readiness(const lb_member_t *member)
{
    const proxy_worker *worker = member->worker;

    if ((worker->s->status & SWITCHED_OFF) || !PROXY_WORKER_IS_INITIALIZED(worker)) {
        return LB_READY_NEVER;
    }
    if (!is_in_service(member) && !is_never_out(member) && !is_due_now(member)) {
        return recovers_by_force(member->balancer) ? LB_READY_AT_LAST : LB_READY_NEVER;
    }
    return is_busy(member) ? LB_READY_LATE : LB_READY;
}

bool lb_health_is_settled(const lb_member_t *member)
{
    return (member->worker->s->status & SWITCHED_OFF)
           || (is_in_service(member) && !is_busy(member));
}

bool lb_health_is_ready(const lb_member_t *member)
{
    return lb_health_readiness(member) >= LB_READY_LATE;
}

/* ---- Back in service ------------------------------------------------------------------------- */

static void recover(const lb_member_t *member, const char *why, server_rec *s)
{
    if (lb_strikes_recover(&member->row->strikes, fc_now())
        || PROXY_WORKER_IS_ERROR(member->worker)) {
        lb_member_state_show_return(member, why, s);
    }
}

/* ---- Requests to members in error ------------------------------------------------------------ */

static apr_status_t let_go_forgotten(void *trial)
{
    lb_health_let_go_of_trial(trial);
    return APR_SUCCESS;
}

/* claim  0: the request tries it without one, as nobody else is left */
static void begin_trial(lb_trial_t *trial, const lb_member_t *member, uint64_t claim)
{
    trial->claim = claim;
    trial->member = *member;
    apr_pool_cleanup_register(trial->r->pool, trial, let_go_forgotten, apr_pool_cleanup_null);
    lb_member_state_show_trial(member, claim != 0, trial->r);
}

static bool claim_trial(lb_trial_t *trial, const lb_member_t *member)
{
    const apr_time_t now = fc_now();
    lb_strikes_t *strikes = &member->row->strikes;
    const lb_strikes_view_t seen = lb_strikes_look(strikes, now);

    if (!is_due(member, &seen, now)) {
        return false;
    }
    const uint64_t claim = lb_strikes_claim(strikes, &seen, (uint32_t)getpid(), now);
    if (claim) {
        begin_trial(trial, member, claim);
    }
    return claim != 0;
}

bool lb_health_admit(lb_trial_t *trial, const lb_member_t *member)
{
    if (is_in_service(member) || (trial->claim && lb_member_is(&trial->member, member))) {
        return true;
    }
    if (is_never_out(member)) {
        recover(member, "it is never put in error", trial->r->server);
        return true;
    }
    return claim_trial(trial, member);
}

bool lb_health_admit_at_last(lb_trial_t *trial, const lb_member_t *member)
{
    if (lb_health_readiness(member) < LB_READY_AT_LAST) {
        return false;
    }
    if (!lb_health_is_trial(trial)) {
        begin_trial(trial, member, 0);
    }
    return true;
}

/* returns  how the request had its member in error */
static lb_trial_t end_trial(lb_trial_t *trial)
{
    const lb_trial_t ended = *trial;

    trial->member = (lb_member_t){ 0 };
    trial->claim = 0;
    apr_pool_cleanup_kill(trial->r->pool, trial, let_go_forgotten);
    return ended;
}

/* It was tried without a claim, and nothing has changed. */
static void stay_out(const lb_member_t *member)
{
    if (lb_health_phase(member) != LB_IN_SERVICE) {
        lb_member_state_show_error(member);
    }
}

void lb_health_pass_trial(lb_trial_t *trial)
{
    if (!lb_health_is_trial(trial)) {
        return;
    }
    const lb_trial_t ended = end_trial(trial);
    const lb_member_t *member = &ended.member;
    if (!ended.claim) {
        recover(member, "tried as a last resort", trial->r->server);
    }
    else if (lb_strikes_pass(&member->row->strikes, ended.claim, fc_now())) {
        lb_member_state_show_return(member, "trial", trial->r->server);
    }
}

void lb_health_let_go_of_trial(lb_trial_t *trial)
{
    if (!lb_health_is_trial(trial)) {
        return;
    }
    const lb_trial_t ended = end_trial(trial);
    const lb_member_t *member = &ended.member;
    if (!ended.claim) {
        stay_out(member);
    }
    else if (lb_strikes_let_go(&member->row->strikes, ended.claim, fc_now())) {
        lb_member_state_show_error(member);
    }
}

void lb_health_fail_trial(lb_trial_t *trial, const char *reason)
{
    const lb_trial_t ended = end_trial(trial);
    const lb_member_t *member = &ended.member;

    if (!ended.claim) {
        stay_out(member);
        return;
    }
    const lb_strike_rules_t rules = rules_of(member);
    const int64_t length = lb_strikes_fail(&member->row->strikes, ended.claim, &rules, fc_now());
    if (length) {
        lb_member_state_show_ban(member, true, length, reason, trial->r);
    }
}

/* ---- Strikes --------------------------------------------------------------------------------- */

bool lb_health_is_usable_but_for_checks(const lb_member_t *member)
{
    const unsigned int off = (SWITCHED_OFF & ~PROXY_WORKER_HC_FAIL) | PROXY_WORKER_DRAIN;

    return lb_member_is_admitted(member) && PROXY_WORKER_IS_INITIALIZED(member->worker)
           && !(member->worker->s->status & off) && lb_health_phase(member) == LB_IN_SERVICE;
}

static bool is_last_usable(const lb_member_t *member)
{
    lb_member_t other;

    for (int i = 0; lb_member_next(member->balancer, &i, &other);) {
        if (!lb_member_is(&other, member) && lb_health_is_usable_but_for_checks(&other)
            && !PROXY_WORKER_IS(other.worker, PROXY_WORKER_HC_FAIL)) {
            return false;
        }
    }
    return true;
}

/* Why fewer failures were enough, if they were. */
static const char *with_evidence(const lb_member_t *member, const lb_strike_rules_t *rules,
                                 const char *reason, request_rec *r)
{
    const lb_fleet_evidence_t evidence = evidence_of(member);

    return rules->max == (uint32_t)lb_member_config_params(member)->maxfails
               ? reason
               : apr_psprintf(r->pool, "%s; seen failing by %d of %d other fronts", reason,
                              evidence.failing, evidence.others);
}

void lb_health_strike(const lb_member_t *member, const lb_failure_t *failure, request_rec *r)
{
    lb_strikes_t *strikes = &member->row->strikes;

    if (is_never_out(member)) {
        lb_member_state_mend(member);
        return;
    }
    const lb_strike_rules_t rules = rules_of(member);
    if (lb_strikes_add(strikes, &rules, failure->is_soft, failure->began, fc_now()) < rules.max) {
        atomic_store(&strikes->is_kept, 0);
        lb_member_state_mend(member);
    }
    else if (failure->is_soft && recovers_by_force(member->balancer) && is_last_usable(member)) {
        lb_member_state_show_last(member, failure->reason, r);
    }
    else {
        const int64_t ban = lb_strikes_ban(strikes, &rules, fc_now());
        if (ban) {
            lb_member_state_show_ban(member, false, ban,
                                     with_evidence(member, &rules, failure->reason, r), r);
        }
    }
}

void lb_health_praise(const lb_member_t *member)
{
    lb_strikes_t *strikes = &member->row->strikes;

    if (atomic_load_explicit(&strikes->soft_pending, memory_order_relaxed)) {
        lb_strikes_forgive(strikes, fc_now());
    }
}

void lb_health_note_busy(const lb_member_t *member)
{
    const apr_time_t now = fc_now();

    if (atomic_exchange(&member->row->busy_until, now + BUSY_US) <= now) {
        lb_member_note_change(member);
    }
}

/* ---- For the snapshot ------------------------------------------------------------------------ */

apr_time_t lb_health_next_trial(const lb_member_t *member)
{
    const lb_strikes_view_t seen = lb_strikes_look(&member->row->strikes, 0);

    if (seen.phase == LB_IN_SERVICE) {
        const proxy_worker_shared *s = member->worker->s;
        return PROXY_WORKER_IS_ERROR(member->worker) ? s->error_time + s->retry : 0;
    }
    return lb_wall_clock_of(seen.until);
}

uint32_t lb_health_fronts_failing(const lb_member_t *member)
{
    return evidence_of(member).failing;
}

uint32_t lb_health_strikes(const lb_member_t *member, apr_time_t now)
{
    const lb_strike_rules_t rules = rules_of(member);
    return lb_strikes_count(&member->row->strikes, &rules, now);
}
