/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* failover.h - after a failed try: is it safe to send the request again, and where to?
 * Knows    outcomes, the words of ProxyFCGIRetryOn, idempotent methods (RFC 9110, 9.2.2), what the
 *          backend may have read.
 * Ignores  members, connections.   Memory   none.   Threads: any, no state. */
#ifndef FCGI_FAILOVER_H
#define FCGI_FAILOVER_H

#include <stdbool.h>

#include "mod_balancer_byrequests.h"

/* name, word, is it one of those by default, may the request have run */
#define FCGI_RETRY_WORDS(X)                                   \
    X(CONNECT_REFUSED,    "connect_refused",    true,  false) \
    X(CONNECT_TIMEOUT,    "connect_timeout",    true,  false) \
    X(CONNECT_BUSY,       "connect_busy",       true,  false) \
    X(CONNECT_FAILED,     "connect_failed",     true,  false) \
    X(TLS_FAILED,         "tls_failed",         true,  false) \
    X(OVERLOADED,         "overloaded",         true,  false) \
    X(BACKEND_EOF,        "backend_eof",        true,  true)  \
    X(FIRST_BYTE_TIMEOUT, "first_byte_timeout", false, true)  \
    X(BAD_RESPONSE,       "bad_response",       false, true)  \
    X(HTTP_502,           "http_502",           false, true)  \
    X(HTTP_503,           "http_503",           false, true)  \
    X(HTTP_504,           "http_504",           false, true)

typedef enum {
#define X(name, word, by_default, may_have_run) FCGI_RETRY_##name,
    FCGI_RETRY_WORDS(X)
#undef X
    FCGI_RETRY_WORD_COUNT
} fcgi_retry_word_t;

typedef unsigned fcgi_retry_set_t;    /* of words: 1 << word */

/* What "default" stands for. */
enum {
    FCGI_RETRY_DEFAULT = 0
#define X(name, word, by_default, may_have_run) | ((by_default) ? 1 << FCGI_RETRY_##name : 0)
    FCGI_RETRY_WORDS(X)
#undef X
};

/** The set that a word of ProxyFCGIRetryOn stands for: its own, or that of "default".
 *  returns  an empty one for what is no word */
fcgi_retry_set_t fcgi_failover_set_of(const char *word);

typedef struct {
    lb_outcome_t outcome;
    int http_status;          /* of the member's answer, with LB_SERVED */
    fcgi_retry_set_t retry_on;
    bool may_run_twice;       /* the method is idempotent, or ProxyFCGIRetryNonIdempotent is on */
    bool is_replayable;       /* the body can be sent again from its start */
    bool was_answered;        /* something came that cannot be taken back */
    int runs;                 /* tries of this request that may have run, this one too */
    bool is_over_budget;      /* too many requests of late were sent again */
} fcgi_try_t;

/* A request that has failed on two members is not given to a third to run. */
#define FCGI_RUNS_MAX 2

typedef enum {
    FCGI_GIVE_UP,
    FCGI_SAME_MEMBER,     /* on a new connection; the member is not to blame */
    FCGI_NEXT_MEMBER
} fcgi_retry_t;

fcgi_retry_t fcgi_failover_decide(const fcgi_try_t *failed);

/** May the request have run on a member, after a try that ended so? */
bool fcgi_failover_may_have_run(lb_outcome_t outcome);

/** Is an answer of this status one to go on from? */
bool fcgi_failover_wants_status(fcgi_retry_set_t retry_on, int http_status);

/** Is this a method of the idempotent kind? */
bool fcgi_failover_is_idempotent(int method_number);

#endif
