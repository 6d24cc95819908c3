/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* retry.c - see retry.h. */
#include "retry.h"

#include "apr_optional.h"
#include "backend.h"

static APR_OPTIONAL_FN_TYPE(lb_ticket_may_resend) *ticket_may_resend;

void fcgi_retry_find_balancer(void)
{
    ticket_may_resend = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_may_resend);
}

bool fcgi_retry_may_resend(const fcgi_job_t *job)
{
    return job->ticket ? ticket_may_resend(job->ticket) != 0 : fcgi_backend_may_resend(job->worker);
}

static bool may_run_twice(const fcgi_job_t *job)
{
    return fcgi_failover_is_idempotent(job->r->method_number)
           || job->config->retries_non_idempotent > 0;
}

bool fcgi_retry_is_sent_if_stale(const fcgi_job_t *job)
{
    const fcgi_try_t stale = {
        .outcome = LB_STALE,
        .retry_on = fcgi_proxy_config_retry_on(job->config),
        .may_run_twice = may_run_twice(job),
        .is_replayable = fcgi_request_body_is_replayable(&job->body),
    };
    return fcgi_failover_decide(&stale) == FCGI_SAME_MEMBER;
}

bool fcgi_retry_is_answer_replaceable(const fcgi_job_t *job)
{
    return job->ticket
           && (job->reply.kind == FCGI_REPLY_BODY || job->reply.kind == FCGI_REPLY_OVERRIDE)
           && fcgi_failover_wants_status(fcgi_proxy_config_retry_on(job->config), job->reply.status)
           && may_run_twice(job) && fcgi_request_body_is_replayable(&job->body);
}

bool fcgi_retry_was_on_stale_connection(const fcgi_job_t *job)
{
    return job->outcome == LB_STALE && job->connection_is_unproven
           && job->pump.limit != FCGI_LIMIT_GUARD;
}

/* Has something come that cannot be taken back? An answer that is not one can be, and one that is
 * held, until the filters have seen of it. */
static bool was_answered(const fcgi_job_t *job)
{
    switch (job->outcome) {
    case LB_OVERLOADED:
    case LB_STALE:
        return false;
    case LB_SERVED:
        return !job->reply.is_held;
    case LB_BAD_RESPONSE:
        return job->reply.was_passed;
    default:
        return job->exchange.bytes_received > 0;
    }
}

fcgi_retry_t fcgi_retry_decide(const fcgi_job_t *job)
{
    const lb_outcome_t outcome = job->outcome;
    fcgi_try_t failed = {
        .outcome = outcome,
        .http_status = job->reply.status,
        .retry_on = fcgi_proxy_config_retry_on(job->config),
        .may_run_twice = may_run_twice(job),
        .is_replayable = fcgi_request_body_is_replayable(&job->body),
        .was_answered = was_answered(job),
        .runs = job->runs,
    };
    if (fcgi_failover_decide(&failed) == FCGI_GIVE_UP) {
        return FCGI_GIVE_UP;
    }
    /* only what is sent again counts; on_guard() has asked already */
    failed.is_over_budget = fcgi_failover_may_have_run(outcome)
                            && job->pump.limit != FCGI_LIMIT_GUARD
                            && !fcgi_retry_was_on_stale_connection(job)
                            && !fcgi_retry_may_resend(job);
    return fcgi_failover_decide(&failed);
}
