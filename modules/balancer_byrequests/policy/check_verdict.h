/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* check_verdict.h - what a check says about a member: it passed, it failed, or nothing, as the
 *                   member was busy.
 * Knows    which outcomes are silence; that PHP-FPM does not answer its ping while all of its
 *          children are at work.
 * Ignores  how often a member may fail (check_count.h), how it is checked, httpd.
 * Memory   keeps nothing.   Threads: any, no state. */
#ifndef LB_CHECK_VERDICT_H
#define LB_CHECK_VERDICT_H

#include <stdbool.h>

#include "balancer_outcome.h"

typedef enum {
    LB_CHECK_PASSED,
    LB_CHECK_FAILED,
    LB_CHECK_BUSY
} lb_check_verdict_t;

/* What was seen of the member's requests. */
typedef struct {
    bool has_answered;     /* one of them, since the check began */
    bool has_requests;     /* in flight: it has something to do */
    bool is_mute;          /* none was answered for as long as one may take */
} lb_check_facts_t;

/** Judge a check. Silence fails a member that has nothing to do, or that is mute; of another one it
 *  says nothing.
 *  outcome   LB_SERVED: the check passed */
lb_check_verdict_t lb_check_verdict(lb_outcome_t outcome, const lb_check_facts_t *facts);

#endif
