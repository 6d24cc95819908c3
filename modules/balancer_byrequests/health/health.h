/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* health.h - when members are put out and taken back.
 * Knows    strikes.h, and the parameters retry, maxfails, failwindow, ignore errors (+I),
 *          forcerecovery.
 * Ignores  who is elected, what the end of a try says (blame.c), how others see it
 *          (member_state.c).
 * Memory   our member row decides; mod_proxy's status word follows it for other readers. */
#ifndef LB_HEALTH_H
#define LB_HEALTH_H

#include <stdbool.h>

#include "eligible.h"
#include "member.h"

/** How readily a request may be given to this member. When its trial is due, it is ready; in
 *  error, it is ready at last, unless forcerecovery=Off. */
lb_readiness_t lb_health_readiness(const lb_member_t *member);

/** Is its readiness the same until somebody changes its state (lb_member_note_change())? Else time
 *  or a request with it may change it, too. */
bool lb_health_is_settled(const lb_member_t *member);

/** Could it take new requests, if it had passed its checks? */
bool lb_health_is_usable_but_for_checks(const lb_member_t *member);

/** Is it usable, or is its trial due? */
bool lb_health_is_ready(const lb_member_t *member);

/* A request that may be given to a member in error. */
typedef struct {
    request_rec *r;
    lb_member_t member;        /* the one in error that it was given to, or none */
    uint64_t claim;            /* of the trial that it is then; 0: it is none, see below */
} lb_trial_t;

/** Is the request with a member in error? */
static inline bool lb_health_is_trial(const lb_trial_t *trial)
{
    return trial->member.worker != NULL;
}

/** Give this request to the member. When its trial is due the request becomes the trial, and stays
 *  it when this is asked again.
 *  returns  false when another request was faster */
bool lb_health_admit(lb_trial_t *trial, const lb_member_t *member);

/** Give this request to a member in error, since nobody else is left for it. That keeps no other
 *  request away, and when it fails the ban does not get longer.
 *  returns  false when the member may not be asked at all */
bool lb_health_admit_at_last(lb_trial_t *trial, const lb_member_t *member);

/** The request was given to a member in error, if it was: that went well (the member is back),
 *  failed, or proved nothing. */
void lb_health_pass_trial(lb_trial_t *trial);
void lb_health_fail_trial(lb_trial_t *trial, const char *reason);
void lb_health_let_go_of_trial(lb_trial_t *trial);

/* A failure of a member. */
typedef struct {
    apr_time_t began;          /* the try */
    bool is_soft;              /* perhaps the request's own fault: a success forgives it, and the
                                * last usable member stays */
    const char *reason;        /* for the log */
} lb_failure_t;

/** A failure: enough of them put the member out. */
void lb_health_strike(const lb_member_t *member, const lb_failure_t *failure, request_rec *r);

/** A success of a member in service. */
void lb_health_praise(const lb_member_t *member);

/** The member says that it has too much to do: for a moment the others are asked first. */
void lb_health_note_busy(const lb_member_t *member);

/** For checks.h: its ban is over, and no check has looked at it since. */
bool lb_health_awaits_check(const lb_member_t *member);

/** For the snapshot. */
lb_phase_t lb_health_phase(const lb_member_t *member);
apr_time_t lb_health_next_trial(const lb_member_t *member);
uint32_t lb_health_strikes(const lb_member_t *member, apr_time_t now);

/** How many other fronts of the fleet see it failing, see fleet_evidence.h. */
uint32_t lb_health_fronts_failing(const lb_member_t *member);

#endif
