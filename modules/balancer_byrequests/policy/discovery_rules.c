/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* discovery_rules.c - see discovery_rules.h. */
#include "discovery_rules.h"

#define SECOND        INT64_C(1000000)
#define TTL_MAX       3600    /* s: whoever says a day has forgotten that it may change */
#define EMPTY_TTL_MAX 10      /* s: who waits for the first address to come back waits for us */
#define BACK_OFF_MAX  (30 * SECOND)

void lb_discovery_rules_note(lb_discovery_standing_t *standing, lb_answer_kind_t kind, int64_t now)
{
    switch (kind) {
    case LB_ANSWER_RECORDS:
        *standing = (lb_discovery_standing_t){ .state = LB_SOURCE_OK };
        break;
    case LB_ANSWER_EMPTY:
        standing->state = LB_SOURCE_EMPTY;
        standing->failures = 0;
        standing->empty_since = standing->empty_since ? standing->empty_since : now;
        break;
    case LB_ANSWER_FAILED:
        standing->state =
            standing->state == LB_SOURCE_WAITING ? LB_SOURCE_WAITING : LB_SOURCE_STALE;
        standing->failures += standing->failures < UINT32_MAX;
        break;
    }
}

static lb_discovered_step_t step_of_named(const lb_discovered_standing_t *member)
{
    return member->is_gone         ? LB_DISCOVERED_RETURNS
           : member->missing_since ? LB_DISCOVERED_IS_FOUND
                                   : LB_DISCOVERED_STAYS;
}

lb_discovered_step_t lb_discovery_rules_step(const lb_discovery_terms_t *terms,
                                             const lb_discovery_standing_t *standing,
                                             const lb_discovered_standing_t *member, int64_t now)
{
    if (standing->state == LB_SOURCE_OK && member->is_named) {
        return step_of_named(member);
    }
    if (member->is_gone) {
        return LB_DISCOVERED_STAYS;
    }
    if (standing->state == LB_SOURCE_OK) {
        const int64_t since = member->missing_since ? member->missing_since : now;
        return now - since >= terms->wait ? LB_DISCOVERED_GOES
               : member->missing_since    ? LB_DISCOVERED_STAYS
                                          : LB_DISCOVERED_IS_MISSING;
    }
    return standing->state == LB_SOURCE_EMPTY && now - standing->empty_since >= terms->onempty
               ? LB_DISCOVERED_GOES
               : LB_DISCOVERED_STAYS;
}

/* ---- When to ask again ----------------------------------------------------------------------- */

static int64_t min_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Doubles with each failure, but a configured interval holds for failures as well. */
static int64_t back_off(const lb_discovery_terms_t *terms, uint32_t failures)
{
    const int64_t longest = terms->interval ? min_of(terms->interval, BACK_OFF_MAX) : BACK_OFF_MAX;
    int64_t pause = SECOND;

    while (failures-- > 1 && pause < longest) {
        pause *= 2;
    }
    return min_of(pause, longest);
}

static int64_t pause_of(const lb_discovery_terms_t *terms, uint32_t ttl, uint32_t ttl_max)
{
    return terms->interval ? terms->interval
           : ttl < 1       ? SECOND
                           : min_of(ttl, ttl_max) * SECOND;
}

/* An answer decides something when this time is over: not later than then. */
static int64_t earlier(int64_t next, int64_t since, int64_t duration, int64_t now)
{
    return since && duration < next - since && since + duration > now ? since + duration : next;
}

int64_t lb_discovery_rules_next(const lb_discovery_terms_t *terms,
                                const lb_discovery_standing_t *standing, uint32_t ttl,
                                int64_t missing_since, int64_t now)
{
    switch (standing->state) {
    case LB_SOURCE_OK:
        return earlier(now + pause_of(terms, ttl, TTL_MAX), missing_since, terms->wait, now);
    case LB_SOURCE_EMPTY:
        return earlier(now + pause_of(terms, ttl, EMPTY_TTL_MAX), standing->empty_since,
                       terms->onempty, now);
    default:
        return now + back_off(terms, standing->failures);
    }
}
