/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* consequence.c - see consequence.h.
 * Knows    which states take new requests, and who stands in for whom.
 * Ignores  how a change is made, and which are to be confirmed (form_change.c).
 * Memory   the caller's pool.   Threads: any, no state. */
#include "consequence.h"

#include <string.h>

#include "apr_strings.h"

/* What the buttons do. */
typedef struct {
    const char *word;
    const char *verb;       /* of a title, and of a button */
    const char *effect;     /* on the members themselves */
    bool takes_away;        /* they take no new requests afterwards */
} deed_t;

static const deed_t *deed_of(const char *word)
{
    static const deed_t deeds[] = {
        { "drain", "Drain", "Requests in flight will finish. New requests are sent here only from "
                            "existing sessions.",
          true },
        { "ready", "Make ready", "New requests will be sent here again.", false },
        { "disable", "Disable", "Requests in flight will finish; no new ones are sent here.",
          true },
        { "stop", "Stop", "Requests in flight will finish; no new ones are sent here.", true },
        { "remove", "Remove", "Requests in flight will finish; then it is gone.",
          true },
        { "reset", "Reset the counters of", "Counting starts again from 0.", false },
        { "", "Change", "All of them will get the settings in the form.", false },
    };
    size_t i = 0;

    while (*deeds[i].word && strcmp(deeds[i].word, word) != 0) {
        i++;
    }
    return &deeds[i];
}

/* ---- Who is left ----------------------------------------------------------------------------- */

static bool is_one_of(const apr_array_header_t *members, const lb_member_view_t *member)
{
    for (int i = 0; i < members->nelts; i++) {
        if (APR_ARRAY_IDX(members, i, const lb_member_view_t *) == member) {
            return true;
        }
    }
    return false;
}

typedef struct {
    int present, usable;                 /* members of the balancer that stay; those in service */
    int lost;                            /* members in service that are taken away */
    int failed;                          /* of those that stay: they are tried again */
    double rate;                         /* requests/s that the lost ones got in the last minute */
    const lb_member_view_t *stand_in;    /* a hot spare or standby; NULL: there is none */
} rest_t;

static rest_t rest_of(const lb_balancer_view_t *balancer, const deed_t *deed,
                      const apr_array_header_t *members)
{
    rest_t rest = { 0 };

    for (int i = 0; i < balancer->owner->members->nelts; i++) {
        const lb_member_view_t *m = &APR_ARRAY_IDX(balancer->owner->members, i, lb_member_view_t);
        if (lb_member_view_leaves(m)) {
            continue;
        }
        rest.present++;
        if (deed->takes_away && is_one_of(members, m)) {
            rest.lost += m->state == LB_STATE_OK;
            rest.rate += m->recent.requests;
            continue;
        }
        rest.usable += m->state == LB_STATE_OK;
        rest.failed += m->state == LB_STATE_ERROR || m->state == LB_STATE_TRIAL
                       || m->state == LB_STATE_HEALTH_FAIL;
        if (m->state == LB_STATE_SPARE || (m->state == LB_STATE_STANDBY && !rest.stand_in)) {
            rest.stand_in = m;
        }
    }
    return rest;
}

bool mgr_consequence_is_outage(const lb_balancer_view_t *balancer, const char *word,
                               const apr_array_header_t *members)
{
    const rest_t rest = rest_of(balancer, deed_of(word), members);
    return rest.lost > 0 && rest.usable == 0;
}

/* ---- Saying it ------------------------------------------------------------------------------- */

static const char *outage(apr_pool_t *p, const lb_balancer_view_t *balancer, const rest_t *rest)
{
    const char *who = rest->lost == 1 ? "This is the last usable member"
                                      : "These are the last usable members";
    const apr_interval_time_t timeout = balancer->settings.of[LB_SETTING_TIMEOUT].number;
    const char *wait =
        !timeout ? ""
                 : apr_psprintf(p, "wait up to %" APR_TIME_T_FMT " s for another one, and then ",
                                apr_time_sec(timeout));

    return apr_psprintf(p, "%s: new requests will %sget 503%s.", who, wait,
                        rest->failed ? " until a failed member recovers" : "");
}

/* What comes to those that are left. */
static const char *taken_over(apr_pool_t *p, const lb_balancer_view_t *balancer,
                              const rest_t *rest)
{
    const double all = balancer->owner->recent.requests;

    return rest->rate < 0.05 || all <= 0
               ? "."
               : apr_psprintf(p, ", which take over %.1f requests/s (%.0f %% of all).", rest->rate,
                              100 * rest->rate / all);
}

/* NULL: nobody is taken away */
static const char *outcome_of(apr_pool_t *p, const lb_balancer_view_t *balancer,
                              const deed_t *deed, const rest_t *rest)
{
    if (!deed->takes_away) {
        return NULL;
    }
    if (rest->lost == 0) {
        return "No member in service is affected.";
    }
    if (rest->usable > 0) {
        return apr_psprintf(p, "%d of %d members will be left in service%s", rest->usable,
                            rest->present, taken_over(p, balancer, rest));
    }
    if (rest->stand_in) {
        return apr_psprintf(p, "No regular member will be left in service: the hot %s %s takes "
                               "over.",
                            lb_state_word(rest->stand_in->state), rest->stand_in->name);
    }
    return outage(p, balancer, rest);
}

mgr_pending_t *mgr_consequence_tell(apr_pool_t *p, const lb_balancer_view_t *balancer,
                                    const char *word, const apr_array_header_t *members)
{
    const deed_t *deed = deed_of(word);
    const rest_t rest = rest_of(balancer, deed, members);
    const int count = members->nelts;
    mgr_pending_t *pending = apr_pcalloc(p, sizeof(*pending));

    pending->deed = count == 1
                        ? apr_pstrcat(p, deed->verb, " this member", NULL)
                        : apr_psprintf(p, "%s %d members", deed->verb, count);
    pending->effect = deed->effect;
    pending->outcome = outcome_of(p, balancer, deed, &rest);
    pending->is_outage = rest.lost > 0 && rest.usable == 0 && !rest.stand_in;
    pending->lines = apr_array_make(p, count, sizeof(const char *));
    for (int i = 0; i < count; i++) {
        const lb_member_view_t *m = APR_ARRAY_IDX(members, i, const lb_member_view_t *);
        APR_ARRAY_PUSH(pending->lines, const char *) =
            apr_psprintf(p, "%s: %s, %u in flight", m->name, lb_state_word(m->state),
                         (unsigned int)m->in_flight);
    }
    return pending;
}
