/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* checks.c - see checks.h. */
#include "checks.h"

#include <stddef.h>
#include <time.h>

#include "apr_strings.h"
#include "check_count.h"
#include "check_expr.h"
#include "check_params.h"
#include "cluster.h"
#include "fastcgi_log.h"
#include "http_log.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

/* A member that is checked. */
typedef struct {
    lb_check_t check;
    const lb_check_params_t *params;
    const proxy_balancer *balancer;
    lb_member_row_t *row;
    uint32_t generation;             /* of this configuration */
    bool is_begun;                   /* by this process; atomic */
} checked_t;

static apr_array_header_t *all;      /* of checked_t; in pconf */

/* Monotonic time is the same in all processes. */
static int64_t monotonic_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- Who is checked -------------------------------------------------------------------------- */

static void add(apr_pool_t *p, const lb_cluster_t *cluster, proxy_worker *member)
{
    const lb_check_params_t *params = lb_check_params_of(member);

    if (!params) {
        return;
    }
    lb_member_row_t *row = lb_cluster_row(cluster->balancer, member);
    checked_t *checked = apr_array_push(all);
    *checked = (checked_t){
        .params = params,
        .balancer = cluster->balancer,
        .row = row,
        .generation = atomic_load(&row->generation),
        .check = {
            .worker = member,
            .server = cluster->server,
            .name = apr_psprintf(p, "%s: member %s", cluster->balancer->s->name,
                                 ap_proxy_worker_name(p, member)),
            .method = params->method,
            .uri = params->uri,
            .timeout = params->timeout,
            .status_address = params->status_address,
            .status_uri = params->status_uri,
            .only_status = !params->is_checked,
        },
    };
}

/* Virtual hosts that inherit a balancer share its members: the first cluster has them. */
static bool is_first_with_members(const apr_array_header_t *clusters, int i)
{
    const proxy_balancer *b = APR_ARRAY_IDX(clusters, i, lb_cluster_t *)->balancer;

    for (int k = 0; k < i; k++) {
        if (APR_ARRAY_IDX(clusters, k, lb_cluster_t *)->balancer->workers == b->workers) {
            return false;
        }
    }
    return true;
}

int lb_checks_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    const apr_array_header_t *clusters = lb_cluster_all();

    all = apr_array_make(pconf, 8, sizeof(checked_t));
    for (int i = 0; clusters && i < clusters->nelts; i++) {
        const lb_cluster_t *cluster = APR_ARRAY_IDX(clusters, i, lb_cluster_t *);
        if (!is_first_with_members(clusters, i)) {
            continue;
        }
        for (int k = 0; k < cluster->balancer->workers->nelts; k++) {
            add(pconf, cluster, APR_ARRAY_IDX(cluster->balancer->workers, k, proxy_worker *));
        }
    }
    return OK;
}

int lb_checks_concern(const proxy_worker *member)
{
    const lb_check_params_t *params = lb_check_params_of(member);
    return params && params->is_checked;
}

int lb_checks_how_many(void)
{
    return all ? all->nelts : 0;
}

/* ---- When ------------------------------------------------------------------------------------ */

/* Within a tenth of the interval, so that members and servers do not fall into step. The clock's
 * last digits are random enough for that (finalizer of MurmurHash3). */
static int64_t with_jitter(apr_interval_time_t interval, int64_t now)
{
    uint64_t h = (uint64_t)now;

    h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ h >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return interval - interval / 10 + (int64_t)((h ^ h >> 33) % (uint64_t)(interval / 5));
}

/* After a restart mod_proxy begins with the status that the configuration gives. */
static void restore(const checked_t *checked)
{
    lb_check_row_t *row = &checked->row->check;

    if (atomic_exchange(&row->generation, checked->generation) != checked->generation
        && atomic_load(&row->is_down) && checked->params->is_checked) {
        __atomic_fetch_or(&checked->check.worker->s->status, PROXY_WORKER_HC_FAIL,
                          __ATOMIC_SEQ_CST);
    }
}

static bool can_be_checked(const checked_t *checked)
{
    const proxy_worker *member = checked->check.worker;

    /* of this process: see ap_proxy_initialize_worker() */
    return member->cp && (member->local_status & PROXY_WORKER_INITIALIZED)
           && !PROXY_WORKER_IS(member, PROXY_WORKER_STOPPED | PROXY_WORKER_IN_SHUTDOWN);
}

/* returns  us until it is due; negative: it is late by so much */
static apr_interval_time_t time_left(const checked_t *checked, int64_t now)
{
    const apr_interval_time_t interval = checked->params->interval;
    const int64_t left = atomic_load(&checked->row->check.next_at) - now;

    if (__atomic_load_n(&checked->is_begun, __ATOMIC_ACQUIRE) || !can_be_checked(checked)) {
        return interval;
    }
    return left <= interval + interval / 10 ? left : 0;    /* the interval was longer before */
}

const lb_check_t *lb_checks_begin_next(apr_interval_time_t *wait)
{
    const int64_t now = monotonic_now();
    apr_interval_time_t shortest = apr_time_from_sec(3600);
    checked_t *due = NULL;

    for (int i = 0; i < lb_checks_how_many(); i++) {
        checked_t *checked = &APR_ARRAY_IDX(all, i, checked_t);
        restore(checked);
        const apr_interval_time_t left = time_left(checked, now);
        if (left < shortest) {
            shortest = left;
            due = checked;
        }
    }
    *wait = shortest;
    if (!due || shortest > 0) {
        return NULL;
    }
    atomic_store(&due->row->check.next_at, now + with_jitter(due->params->interval, now));
    __atomic_store_n(&due->is_begun, true, __ATOMIC_RELEASE);
    return &due->check;
}

/* ---- What follows ---------------------------------------------------------------------------- */

typedef struct {
    lb_outcome_t outcome;
    const char *why;
} verdict_t;

static verdict_t judge(const lb_check_params_t *params, const lb_check_t *check,
                       const lb_check_result_t *result, apr_pool_t *p)
{
    const char *err;

    if (result->outcome != LB_SERVED || !params->method) {
        return (verdict_t){ result->outcome, result->why ? result->why : "" };
    }
    if (!params->expr) {
        const bool is_good = result->http_status >= 200 && result->http_status < 400;
        return is_good ? (verdict_t){ LB_SERVED, "" }
                       : (verdict_t){ LB_BAD_STATUS, apr_psprintf(p, "%s %s: status %d",
                                      check->method, check->uri, result->http_status) };
    }
    const int holds = lb_check_expr_holds(params->expr, check, result, p, &err);
    if (holds > 0) {
        return (verdict_t){ LB_SERVED, "" };
    }
    return (verdict_t){ LB_BAD_RESPONSE, apr_psprintf(p, "%s %s: hcexpr %s %s%s%s", check->method,
                        check->uri, params->expr_name,
                        holds == 0 ? "does not hold" : "cannot be evaluated",
                        err ? ": " : "", err ? err : "") };
}

static void change(const checked_t *checked, lb_check_change_t what, const verdict_t *verdict)
{
    proxy_worker_shared *s = checked->check.worker->s;
    lb_check_row_t *row = &checked->row->check;

    if (what == LB_CHECK_GOES_DOWN) {
        atomic_store(&row->is_down, 1);
        __atomic_fetch_or(&s->status, PROXY_WORKER_HC_FAIL, __ATOMIC_SEQ_CST);
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, checked->check.server, FCLOGNO(0551)
                     "%s: ok -> health_fail after %d failed checks in a row (%s: %s)",
                     checked->check.name, atomic_load(&row->fails),
                     lb_outcome_word(verdict->outcome), verdict->why);
    }
    else if (what == LB_CHECK_COMES_UP) {
        atomic_store(&row->is_down, 0);
        __atomic_fetch_and(&s->status, ~(unsigned int)PROXY_WORKER_HC_FAIL, __ATOMIC_SEQ_CST);
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, checked->check.server, FCLOGNO(0552)
                     "%s: health_fail -> ok after %d passed checks in a row", checked->check.name,
                     atomic_load(&row->passes));
    }
}

static void note_fpm(lb_check_row_t *row, const lb_fpm_numbers_t *fpm)
{
    atomic_store(&row->fpm_idle, fpm->idle);
    atomic_store(&row->fpm_active, fpm->active);
    atomic_store(&row->fpm_total, fpm->total);
    atomic_store(&row->fpm_listen_queue, fpm->listen_queue);
    atomic_store(&row->fpm_max_children_reached, fpm->max_children_reached);
    atomic_store(&row->fpm_at, apr_time_now());
}

static void count(const checked_t *checked, const lb_check_result_t *result, apr_pool_t *p)
{
    lb_check_row_t *row = &checked->row->check;
    const lb_check_params_t *params = checked->params;
    const proxy_worker *member = checked->check.worker;
    const verdict_t verdict = judge(params, &checked->check, result, p);

    atomic_store(&row->outcome, (uint16_t)verdict.outcome);
    atomic_store(&row->took_us, (uint32_t)result->took);
    atomic_store(&row->checked_at, apr_time_now());
    change(checked, lb_check_count(row, verdict.outcome == LB_SERVED,
                                   PROXY_WORKER_IS(member, PROXY_WORKER_HC_FAIL),
                                   params->passes, params->fails), &verdict);
    ap_log_error(APLOG_MARK, APLOG_DEBUG, 0, checked->check.server, FCLOGNO(0553)
                 "%s: check: %s%s%s, %" APR_TIME_T_FMT " us; in a row: %d passed, %d failed",
                 checked->check.name, lb_outcome_word(verdict.outcome), *verdict.why ? ": " : "",
                 verdict.why, result->took, atomic_load(&row->passes), atomic_load(&row->fails));
}

void lb_checks_end(const lb_check_t *check, const lb_check_result_t *result, apr_pool_t *p)
{
    checked_t *checked = NULL;

    for (int i = 0; i < lb_checks_how_many(); i++) {
        if (&APR_ARRAY_IDX(all, i, checked_t).check == check) {
            checked = &APR_ARRAY_IDX(all, i, checked_t);
        }
    }
    ap_assert(checked != NULL);
    if (result->has_fpm_numbers) {
        note_fpm(&checked->row->check, &result->fpm);
    }
    if (!check->only_status) {
        count(checked, result, p);
    }
    __atomic_store_n(&checked->is_begun, false, __ATOMIC_RELEASE);
}
