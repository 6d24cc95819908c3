/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* failover.c - see failover.h. */
#include "failover.h"

#include <string.h>

static const struct {
    const char *word;
    bool may_have_run;
} words[] = {
#define X(name, word, by_default, may_have_run) { word, may_have_run },
    FCGI_RETRY_WORDS(X)
#undef X
};

fcgi_retry_set_t fcgi_failover_set_of(const char *word)
{
    for (int i = 0; i < FCGI_RETRY_WORD_COUNT; i++) {
        if (strcmp(word, words[i].word) == 0) {
            return 1u << i;
        }
    }
    return strcmp(word, "default") == 0 ? FCGI_RETRY_DEFAULT : 0;
}

static fcgi_retry_word_t word_of_status(int http_status)
{
    switch (http_status) {
    case HTTP_BAD_GATEWAY:         return FCGI_RETRY_HTTP_502;
    case HTTP_SERVICE_UNAVAILABLE: return FCGI_RETRY_HTTP_503;
    case HTTP_GATEWAY_TIME_OUT:    return FCGI_RETRY_HTTP_504;
    default:                       return FCGI_RETRY_WORD_COUNT;
    }
}

/* FCGI_RETRY_WORD_COUNT: it has none, and there is no other try. */
static fcgi_retry_word_t word_of(lb_outcome_t outcome, int http_status)
{
    switch (outcome) {
    case LB_SERVED:             return word_of_status(http_status);
    case LB_CONNECT_REFUSED:    return FCGI_RETRY_CONNECT_REFUSED;
    case LB_CONNECT_TIMEOUT:    return FCGI_RETRY_CONNECT_TIMEOUT;
    case LB_CONNECT_BUSY:       return FCGI_RETRY_CONNECT_BUSY;
    case LB_CONNECT_FAILED:     return FCGI_RETRY_CONNECT_FAILED;
    case LB_TLS_FAILED:         return FCGI_RETRY_TLS_FAILED;
    case LB_OVERLOADED:         return FCGI_RETRY_OVERLOADED;    /* it says that it has not begun */
    case LB_STALE:              /* nobody can know whether it ran */
    case LB_BACKEND_EOF:        return FCGI_RETRY_BACKEND_EOF;
    case LB_FIRST_BYTE_TIMEOUT: return FCGI_RETRY_FIRST_BYTE_TIMEOUT;
    case LB_BAD_RESPONSE:       return FCGI_RETRY_BAD_RESPONSE;
    default:                    return FCGI_RETRY_WORD_COUNT;
    }
}

static bool holds(fcgi_retry_set_t set, fcgi_retry_word_t word)
{
    return word < FCGI_RETRY_WORD_COUNT && set & 1u << word;
}

bool fcgi_failover_wants_status(fcgi_retry_set_t retry_on, int http_status)
{
    return holds(retry_on, word_of_status(http_status));
}

bool fcgi_failover_may_have_run(lb_outcome_t outcome)
{
    const fcgi_retry_word_t word = word_of(outcome, 0);
    return word == FCGI_RETRY_WORD_COUNT || words[word].may_have_run;
}

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
    const fcgi_retry_word_t word = word_of(failed->outcome, failed->http_status);

    if (!holds(failed->retry_on, word) || !failed->is_replayable || failed->was_answered) {
        return FCGI_GIVE_UP;
    }
    if (!words[word].may_have_run) {
        return FCGI_NEXT_MEMBER;
    }
    if (!failed->may_run_twice || failed->is_over_budget) {
        return FCGI_GIVE_UP;
    }
    if (failed->outcome == LB_STALE) {
        return FCGI_SAME_MEMBER;
    }
    return failed->runs < FCGI_RUNS_MAX ? FCGI_NEXT_MEMBER : FCGI_GIVE_UP;
}
