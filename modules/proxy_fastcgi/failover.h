/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* failover.h - after a failed try: is it safe to send the request again, and where to?
 * Knows    outcomes, idempotent methods (RFC 9110, 9.2.2), what the backend may have read.
 * Ignores  members, connections.   Memory   none.   Threads: any, no state. */
#ifndef FCGI_FAILOVER_H
#define FCGI_FAILOVER_H

#include <stdbool.h>

#include "mod_balancer_byrequests.h"

typedef struct {
    lb_outcome_t outcome;
    bool is_idempotent;          /* the method: doing it twice does what doing it once does */
    bool is_replayable;          /* the body can be sent again from its start */
    bool was_answered;           /* at least one byte of a response came */
    bool connection_was_kept;    /* it had carried another request before */
    bool has_been_resent;        /* on the same member, once already */
} fcgi_try_t;

typedef enum {
    FCGI_GIVE_UP,
    FCGI_SAME_MEMBER,     /* on a new connection; the member is not to blame */
    FCGI_NEXT_MEMBER
} fcgi_retry_t;

fcgi_retry_t fcgi_failover_decide(const fcgi_try_t *failed);

/** Is this a method of the idempotent kind? */
bool fcgi_failover_is_idempotent(int method_number);

#endif
