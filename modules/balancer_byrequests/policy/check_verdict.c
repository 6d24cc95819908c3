/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* check_verdict.c - see check_verdict.h. */
#include "check_verdict.h"

/* A time limit, or a full backlog: nobody was there to say anything. */
static bool is_silence(lb_outcome_t outcome)
{
    const lb_says_t says = lb_outcome_says(outcome);
    return says == LB_SAYS_LATE || says == LB_SAYS_BUSY || outcome == LB_CONNECT_TIMEOUT;
}

lb_check_verdict_t lb_check_verdict(lb_outcome_t outcome, const lb_check_facts_t *facts)
{
    if (outcome == LB_SERVED) {
        return LB_CHECK_PASSED;
    }
    if (!is_silence(outcome)) {
        return LB_CHECK_FAILED;
    }
    return facts->has_answered || (facts->has_requests && !facts->is_mute) ? LB_CHECK_BUSY
                                                                           : LB_CHECK_FAILED;
}
