/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* health.c - see health.h. */
#include "health.h"

#include "cluster.h"
#include "fastcgi_log.h"
#include "http_log.h"
#include "state_keeper.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

#define BUSY_US apr_time_from_sec(1)

static void set_bits(proxy_worker *member, unsigned int bits)
{
    __atomic_fetch_or(&member->s->status, bits, __ATOMIC_SEQ_CST);
}

/* returns  were they set before? */
static int clear_bits(proxy_worker *member, unsigned int bits)
{
    return (__atomic_fetch_and(&member->s->status, ~bits, __ATOMIC_SEQ_CST) & bits) != 0;
}

void lb_health_note_failure(const proxy_balancer *b, proxy_worker *member, lb_outcome_t outcome)
{
    lb_member_row_t *row = lb_cluster_row(b, member);

    atomic_fetch_add(&row->failures, 1);
    atomic_store(&row->last_error, (uint32_t)outcome);
    atomic_store(&row->last_error_at, apr_time_now());
}

void lb_health_fail(const proxy_balancer *b, proxy_worker *member, lb_outcome_t outcome,
                    const char *reason, request_rec *r)
{
    lb_health_note_failure(b, member, outcome);
    if (PROXY_WORKER_IS(member, PROXY_WORKER_IGNORE_ERRORS)) {
        return;
    }
    const int was_in_error = PROXY_WORKER_IS_ERROR(member);
    member->s->error_time = apr_time_now();
    set_bits(member, PROXY_WORKER_IN_ERROR);
    if (!was_in_error) {
        lb_state_keeper_note_change();
        ap_log_rerror(APLOG_MARK, APLOG_NOTICE, 0, r, FCLOGNO(0410)
                      "%s: member %s: ok -> error (%s), next trial in %" APR_TIME_T_FMT " s",
                      b->s->name, ap_proxy_worker_name(r->pool, member), reason,
                      apr_time_sec(member->s->retry));
    }
}

void lb_health_note_busy(const proxy_balancer *b, const proxy_worker *member)
{
    atomic_store(&lb_cluster_row(b, member)->busy_until, apr_time_now() + BUSY_US);
}

int lb_health_is_busy(const proxy_balancer *b, const proxy_worker *member)
{
    const int64_t until = atomic_load(&lb_cluster_row(b, member)->busy_until);
    return until != 0 && apr_time_now() < until;
}

void lb_health_succeed(proxy_worker *member)
{
    if (member->s->retries) {
        member->s->error_time = 0;
        member->s->retries = 0;
    }
}

void lb_health_ban_of(const proxy_worker_shared *member, apr_time_t *since,
                      apr_interval_time_t *length)
{
    const int is_banned = (member->status & PROXY_WORKER_IN_ERROR) != 0;
    *since = is_banned ? member->error_time : 0;
    *length = is_banned ? member->retry : 0;
}

void lb_health_ban(proxy_worker_shared *member, apr_time_t since, apr_interval_time_t length)
{
    const apr_time_t now = apr_time_now();

    if (since + length > now) {
        member->error_time = since < now ? since : now;
        __atomic_fetch_or(&member->status, PROXY_WORKER_IN_ERROR, __ATOMIC_SEQ_CST);
    }
}

apr_time_t lb_health_next_trial(const proxy_worker *member)
{
    return PROXY_WORKER_IS_ERROR(member) ? member->s->error_time + member->s->retry : 0;
}

static void take_back(const proxy_balancer *b, proxy_worker *member, const char *why, server_rec *s)
{
    if (clear_bits(member, PROXY_WORKER_IN_ERROR)) {
        __atomic_fetch_add(&member->s->retries, 1, __ATOMIC_SEQ_CST);
        lb_state_keeper_note_change();
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s, FCLOGNO(0411)
                     "%s: member %s: error -> ok (%s)", b->s->name, member->s->name_ex, why);
    }
}

void lb_health_retry(const proxy_balancer *b, proxy_worker *member, server_rec *s)
{
    if (!PROXY_WORKER_IS_ERROR(member) || PROXY_WORKER_IS(member, PROXY_WORKER_STOPPED)) {
        return;
    }
    if (PROXY_WORKER_IS(member, PROXY_WORKER_IGNORE_ERRORS)
        || apr_time_now() >= lb_health_next_trial(member)) {
        take_back(b, member, "trial", s);
    }
}

void lb_health_force_recovery(const proxy_balancer *b, server_rec *s)
{
    const int count = b->workers->nelts;

    for (int i = 0; i < count; i++) {
        proxy_worker *member = lb_cluster_member(b, i);
        if (member && !PROXY_WORKER_IS_ERROR(member)
            && !PROXY_WORKER_IS(member, PROXY_WORKER_IN_SHUTDOWN)) {
            return;
        }
    }
    /* All are in error. Those whose time is over come back first. */
    int came_back = 0;
    for (int i = 0; i < count; i++) {
        proxy_worker *member = lb_cluster_member(b, i);
        if (member) {
            lb_health_retry(b, member, s);
            came_back |= !PROXY_WORKER_IS(member, PROXY_WORKER_IN_ERROR | PROXY_WORKER_IN_SHUTDOWN);
        }
    }
    for (int i = 0; i < count && !came_back && b->s->forcerecovery; i++) {
        proxy_worker *member = lb_cluster_member(b, i);
        if (member) {
            take_back(b, member, "forcerecovery: all members are in error", s);
        }
    }
}

void lb_health_judge_answer(const proxy_balancer *b, proxy_worker *member, request_rec *r)
{
    for (int i = 0; b->errstatuses && i < b->errstatuses->nelts; i++) {
        if (r->status == APR_ARRAY_IDX(b->errstatuses, i, int)) {
            lb_health_fail(b, member, LB_BAD_STATUS, "failonstatus", r);
            return;
        }
    }
    if (b->failontimeout && apr_table_get(r->notes, "proxy_timedout")) {
        lb_health_fail(b, member, LB_READ_TIMEOUT, "failontimeout", r);
    }
}
