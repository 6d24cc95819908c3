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
    bool may_run_twice;       /* the method is idempotent, or ProxyFCGIRetryNonIdempotent is on */
    bool is_replayable;       /* the body can be sent again from its start */
    bool was_answered;        /* at least one byte of a response came */
    int  deaths;              /* tries of this request that ended in backend_eof, this one too */
    bool is_over_budget;      /* too many requests of late were sent again */
} fcgi_try_t;

/* A request that two backends died on is not given to a third. */
#define FCGI_DEATHS_MAX 2

typedef enum {
    FCGI_GIVE_UP,
    FCGI_SAME_MEMBER,     /* on a new connection; the member is not to blame */
    FCGI_NEXT_MEMBER
} fcgi_retry_t;

fcgi_retry_t fcgi_failover_decide(const fcgi_try_t *failed);

/** Is this a method of the idempotent kind? */
bool fcgi_failover_is_idempotent(int method_number);

#endif
