/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* failover.c - see failover.h. */
#include "failover.h"

bool fcgi_failover_is_idempotent(int method_number)
{
    switch (method_number) {
    case M_GET:       /* HEAD too: httpd keeps that apart as header_only */
    case M_PUT:
    case M_DELETE:
    case M_OPTIONS:
    case M_TRACE:
    case M_PROPFIND:
        return true;
    default:
        return false;
    }
}

fcgi_retry_t fcgi_failover_decide(const fcgi_try_t *failed)
{
    if (!failed->is_replayable || failed->was_answered) {
        return FCGI_GIVE_UP;
    }
    switch (failed->outcome) {
    case LB_CONNECT_REFUSED:
    case LB_CONNECT_TIMEOUT:
    case LB_CONNECT_BUSY:
    case LB_CONNECT_FAILED:
    case LB_TLS_FAILED:
    case LB_OVERLOADED:    /* the backend itself says that it has not begun */
        return FCGI_NEXT_MEMBER;
    case LB_STALE:         /* nobody can know whether it ran */
        return failed->may_run_twice && !failed->is_over_budget ? FCGI_SAME_MEMBER : FCGI_GIVE_UP;
    case LB_BACKEND_EOF:
        return failed->may_run_twice && !failed->is_over_budget
                       && failed->deaths < FCGI_DEATHS_MAX
                   ? FCGI_NEXT_MEMBER : FCGI_GIVE_UP;
    default:
        return FCGI_GIVE_UP;
    }
}
