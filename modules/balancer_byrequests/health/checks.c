/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* checks.c - see checks.h. */
#include "checks.h"

#include <stddef.h>

#include "apr_strings.h"
#include "auto_limit.h"
#include "check_count.h"
#include "check_expr.h"
#include "check_params.h"
#include "check_reliance.h"
#include "check_verdict.h"
#include "clock.h"
#include "fastcgi_log.h"
#include "health.h"
#include "http_log.h"
#include "member_config.h"
#include "member_state.h"
#include "panic.h"
#include "silence.h"
#include "status_word.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

/* A slot of a balancer, and the check of its member that runs or ran last. */
typedef struct {
    lb_check_t check;
    const lb_check_params_t *params;
    lb_member_t member;              /* who has the slot */
    int64_t begun_at;                /* monotonic us */
    char name[PROXY_BALANCER_MAX_NAME_SIZE + PROXY_WORKER_MAX_NAME_SIZE + 16];
    bool is_begun;                   /* by this process; atomic. While it is, nobody writes above */
} place_t;

/* A balancer with members that are checked, or would be. */
typedef struct {
    const lb_balancer_t *balancer;
    uint32_t generation;             /* of this configuration */
    place_t *places;                 /* by slot */
} group_t;

static apr_array_header_t *groups;   /* of group_t; in pconf */

/* ---- Who is checked -------------------------------------------------------------------------- */

/* What members that are added at run time are like. */
static bool has_template(apr_pool_t *p, const lb_balancer_t *balancer)
{
    const proxy_worker *template = balancer->owner->template;
    const char *err = lb_check_params_resolve(p, balancer->server, template);

    if (err) {
        ap_log_error(APLOG_MARK, APLOG_INFO, 0, balancer->server, FCLOGNO(0554)
                     "%s: members added at run time are not checked: %s",
                     balancer->proxy->s->name, err);
    }
    return lb_check_params_of(template) != NULL;
}

static bool has_checks(apr_pool_t *p, const lb_balancer_t *balancer)
{
    bool any = has_template(p, balancer);
    lb_member_t member;

    for (int i = 0; i < balancer->sources->nelts; i++) {
        any |= lb_check_params_of(APR_ARRAY_IDX(balancer->sources, i, lb_source_t).template)
               != NULL;
    }

    for (int i = 0; lb_member_next(balancer, &i, &member);) {
        any |= lb_member_config_checks(&member) != NULL;
    }
    return any;
}

int lb_checks_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    const apr_array_header_t *balancers = lb_balancer_all();

    groups = apr_array_make(pconf, 4, sizeof(group_t));
    for (int i = 0; balancers && i < balancers->nelts; i++) {
        const lb_balancer_t *balancer = APR_ARRAY_IDX(balancers, i, lb_balancer_t *);
        if (balancer->owner == balancer && has_checks(pconf, balancer)) {
            APR_ARRAY_PUSH(groups, group_t) = (group_t){
                .balancer = balancer,
                .generation = atomic_load(&balancer->row->generation),
                .places = apr_pcalloc(pconf, (apr_size_t)balancer->slots * sizeof(place_t)),
            };
        }
    }
    return OK;
}

int lb_checks_how_many(void)
{
    int places = 0;

    for (int i = 0; groups && i < groups->nelts; i++) {
        places += APR_ARRAY_IDX(groups, i, group_t).balancer->slots;
    }
    return places;
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

/* One that may be due. */
typedef struct {
    const group_t *group;
    lb_member_t member;
    const lb_check_params_t *params;
    place_t *place;
} candidate_t;

/* returns  false when it is not to be checked */
static bool look_at(const group_t *group, const lb_member_t *member, candidate_t *candidate)
{
    const lb_check_params_t *params = lb_member_config_checks(member);
    const proxy_worker *worker = member->worker;

    /* local_status is this process's: see ap_proxy_initialize_worker() */
    if (!params || !lb_member_is_admitted(member) || !worker->cp
        || !(worker->local_status & PROXY_WORKER_INITIALIZED)
        || PROXY_WORKER_IS(worker, PROXY_WORKER_STOPPED | PROXY_WORKER_IN_SHUTDOWN)) {
        return false;
    }
    *candidate = (candidate_t){ group, *member, params, &group->places[worker->s->index] };
    return true;
}

/* After a restart mod_proxy begins with the status that the configuration gives. */
static void restore(const candidate_t *candidate)
{
    lb_check_row_t *row = &candidate->member.row->check;
    const uint32_t generation = candidate->group->generation;

    if (atomic_exchange(&row->generation, generation) != generation
        && atomic_load(&row->is_down) && candidate->params->is_checked) {
        lb_member_change_status(&candidate->member, PROXY_WORKER_HC_FAIL, 0);
    }
}

/* returns  us for which another front's check stands for our own; 0: none does */
static int64_t relies_for(const candidate_t *candidate, int64_t now)
{
    const lb_check_row_t *row = &candidate->member.row->check;
    const lb_check_reliance_t facts = {
        .told_at = atomic_load(&row->told_at),
        .interval = candidate->params->interval,
        .has_passed = atomic_load(&row->passes) > 0,
        .is_out = PROXY_WORKER_IS(candidate->member.worker, PROXY_WORKER_HC_FAIL)
                  || atomic_load(&row->is_new),
        .reads_numbers = candidate->params->status_uri != NULL,
    };
    return lb_check_reliance(&facts, now);
}

/* returns  us until it is due; negative: it is late by so much */
static apr_interval_time_t time_left(const candidate_t *candidate, int64_t now)
{
    const apr_interval_time_t interval = candidate->params->interval;
    const int64_t left = atomic_load(&candidate->member.row->check.next_at) - now;
    const int64_t relied = relies_for(candidate, now);

    if (__atomic_load_n(&candidate->place->is_begun, __ATOMIC_ACQUIRE)) {
        return interval;
    }
    if (lb_health_awaits_check(&candidate->member)) {
        return 0;
    }
    if (relied > 0) {
        return relied;
    }
    return left <= interval + interval / 10 ? left : 0;    /* the interval was longer before */
}

static const lb_check_t *begin(const candidate_t *candidate, int64_t now)
{
    const lb_check_params_t *params = candidate->params;
    const lb_balancer_t *balancer = candidate->group->balancer;
    const proxy_worker_shared *s = candidate->member.worker->s;
    place_t *place = candidate->place;

    apr_snprintf(place->name, sizeof(place->name), "%s: member %s%s%s%s",
                 balancer->proxy->s->name, *s->uds_path ? "unix:" : "", s->uds_path,
                 *s->uds_path ? "|" : "", s->name_ex);
    place->params = params;
    place->member = candidate->member;
    place->begun_at = now;
    place->check = (lb_check_t){
        .worker = candidate->member.worker,
        .server = balancer->server,
        .name = place->name,
        .method = params->method,
        .uri = params->uri,
        .status_uri = params->status_uri,
        .status_address = params->status_address,
        .timeout = params->timeout,
        .only_status = !params->is_checked,
    };
    atomic_store(&place->member.row->check.next_at, now + with_jitter(params->interval, now));
    __atomic_store_n(&place->is_begun, true, __ATOMIC_RELEASE);
    return &place->check;
}

const lb_check_t *lb_checks_begin_next(apr_interval_time_t *wait)
{
    const int64_t now = fc_now();
    candidate_t candidate, due = { 0 };
    lb_member_t member;

    *wait = apr_time_from_sec(3600);
    for (int g = 0; groups && g < groups->nelts; g++) {
        const group_t *group = &APR_ARRAY_IDX(groups, g, group_t);
        lb_balancer_sync(group->balancer->proxy, group->balancer->server);
        for (int i = 0; lb_member_next(group->balancer, &i, &member);) {
            if (!look_at(group, &member, &candidate)) {
                continue;
            }
            restore(&candidate);
            const apr_interval_time_t left = time_left(&candidate, now);
            if (left < *wait) {
                *wait = left;
                due = candidate;
            }
        }
    }
    return due.place && *wait <= 0 ? begin(&due, now) : NULL;
}

/* ---- What follows ---------------------------------------------------------------------------- */

typedef struct {
    lb_outcome_t outcome;
    const char *why;
} end_t;

static end_t end_of(const lb_check_params_t *params, const lb_check_t *check,
                    const lb_check_result_t *result, apr_pool_t *p)
{
    const char *err;

    if (result->outcome != LB_SERVED || !params->method) {
        return (end_t){ result->outcome, result->why ? result->why : "" };
    }
    if (!params->expr) {
        const bool is_good = result->http_status >= 200 && result->http_status < 400;
        return is_good
                   ? (end_t){ LB_SERVED, "" }
                   : (end_t){ LB_BAD_STATUS, apr_psprintf(p, "%s %s: status %d", check->method,
                                                          check->uri, result->http_status) };
    }
    const int holds = lb_check_expr_holds(params->expr, check, result, p, &err);
    if (holds > 0) {
        return (end_t){ LB_SERVED, "" };
    }
    return (end_t){ LB_BAD_RESPONSE,
                    apr_psprintf(p, "%s %s: hcexpr %s %s%s%s", check->method, check->uri,
                                 params->expr_name,
                                 holds == 0 ? "is false" : "cannot be evaluated",
                                 err ? ": " : "", err ? err : "") };
}

static void go_down(const place_t *place, const end_t *end)
{
    lb_member_row_t *row = place->member.row;

    if (!lb_panic_put_out(&place->member, place->check.server)) {
        return;
    }
    atomic_store(&row->strikes.since, fc_now());
    lb_member_state_note(&place->member, LB_CAUSE_CHECK, lb_outcome_word(end->outcome));
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, place->check.server, FCLOGNO(0551)
                 "%s: ok -> health_fail after %d failed checks in a row (%s: %s)",
                 place->check.name, atomic_load(&row->check.fails), lb_outcome_word(end->outcome),
                 end->why);
}

static void come_up(const place_t *place)
{
    lb_member_row_t *row = place->member.row;

    atomic_store(&row->strikes.since, fc_now());
    atomic_store(&row->check.is_down, 0);
    const unsigned int before = lb_member_change_status(&place->member, 0, PROXY_WORKER_HC_FAIL);
    if (atomic_exchange(&row->check.is_new, 0)) {
        lb_member_state_note_change(&place->member, before,
                                    before & ~(unsigned int)PROXY_WORKER_HC_FAIL);
    }
    lb_member_state_note(&place->member, LB_CAUSE_CHECK, "");
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, place->check.server, FCLOGNO(0552)
                 "%s: health_fail -> ok after %d passed checks in a row", place->check.name,
                 atomic_load(&row->check.passes));
}

/* It was discovered, and has never passed a check: the first one lets it in. */
static lb_check_change_t judge_newcomer(const place_t *place, bool has_passed, const end_t *end)
{
    lb_check_row_t *row = &place->member.row->check;
    const lb_check_change_t change = lb_check_count(row, has_passed, true, 1, 0);

    if (atomic_load(&row->fails) == place->params->fails) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, place->check.server, FCLOGNO(0531)
                     "%s: health_fail, as it has not yet passed a check (%s: %s)",
                     place->check.name, lb_outcome_word(end->outcome), end->why);
    }
    return change;
}

static lb_check_change_t judge_member(const place_t *place, bool has_passed)
{
    const lb_check_params_t *params = place->params;
    const bool is_out = PROXY_WORKER_IS(place->check.worker, PROXY_WORKER_HC_FAIL);

    return lb_check_count(&place->member.row->check, has_passed, is_out, params->passes,
                          params->fails);
}

/* It passed or failed: what follows? */
static void count(const place_t *place, bool has_passed, const end_t *end)
{
    lb_check_row_t *row = &place->member.row->check;

    atomic_store(&row->busy, 0);
    atomic_store(&row->judged_at, fc_now());
    if (has_passed) {
        lb_panic_let_go(&place->member, place->check.server);
    }
    switch (atomic_load(&row->is_new) ? judge_newcomer(place, has_passed, end)
                                      : judge_member(place, has_passed)) {
    case LB_CHECK_GOES_DOWN:
        go_down(place, end);
        break;
    case LB_CHECK_COMES_UP:
        come_up(place);
        break;
    case LB_CHECK_STAYS:
        break;
    }
    ap_log_error(APLOG_MARK, APLOG_DEBUG, 0, place->check.server, FCLOGNO(0553)
                 "%s: check: %s%s%s, %u us; in a row: %d passed, %d failed", place->check.name,
                 lb_outcome_word(end->outcome), *end->why ? ": " : "", end->why,
                 atomic_load(&row->took_us), atomic_load(&row->passes),
                 atomic_load(&row->fails));
}

/* Its children are all at work: that is no failure. */
static void count_busy(const place_t *place, const end_t *end)
{
    lb_check_row_t *row = &place->member.row->check;

    lb_check_count_busy(row);
    ap_log_error(APLOG_MARK, APLOG_DEBUG, 0, place->check.server, FCLOGNO(0536)
                 "%s: check: busy (%s: %s), as it serves requests, %u in flight; that counts "
                 "neither as passed nor as failed",
                 place->check.name, lb_outcome_word(end->outcome), end->why,
                 atomic_load(&place->member.row->in_flight));
}

static void note_fpm(lb_check_row_t *row, const lb_fpm_numbers_t *fpm)
{
    atomic_store(&row->fpm_idle, fpm->idle);
    atomic_store(&row->fpm_active, fpm->active);
    atomic_store(&row->fpm_total, fpm->total);
    atomic_store(&row->fpm_listen_queue, fpm->listen_queue);
    atomic_store(&row->fpm_max_children_reached, fpm->max_children_reached);
    atomic_store(&row->fpm_at, fc_now());
    atomic_store(&row->fpm_is_current, 1);
}

/* What the pool serves at a time, also for who sets the limit to auto later. */
static void learn_limit(const place_t *place, const lb_fpm_numbers_t *fpm)
{
    lb_member_row_t *row = place->member.row;
    const lb_pool_reading_t reading = {
        .process_manager = fpm->process_manager,
        .start_time = fpm->start_time,
        .total_processes = fpm->total,
        .active_processes = fpm->active,
        .max_active_processes = fpm->max_active,
        .listen_queue = fpm->listen_queue,
        .max_children_reached = fpm->max_children_reached,
    };
    const uint32_t limit =
        lb_auto_limit_read(&row->check.pool, &reading, atomic_load(&row->in_flight));
    const uint32_t before = atomic_exchange(&row->auto_limit, limit);

    if (limit != before && atomic_load(&row->limit) == LB_LIMIT_AUTO) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, place->check.server, FCLOGNO(0539)
                     "%s: limit %u -> %u (maxinflight=auto): PHP-FPM has %u children, %u active, "
                     "max children reached %u times, listen queue %u",
                     place->check.name, before, limit, fpm->total, fpm->active,
                     fpm->max_children_reached, fpm->listen_queue);
    }
}

static lb_check_verdict_t judge(const place_t *place, const end_t *end,
                                const lb_check_result_t *result)
{
    const lb_member_row_t *row = place->member.row;
    const lb_check_facts_t facts = {
        .has_answered = lb_silence_was_broken(row, place->begun_at),
        .has_requests = atomic_load(&row->in_flight) > 0,
        .is_mute = lb_silence_length(row, fc_now()) >= result->patience,
    };
    return lb_check_verdict(end->outcome, &facts);
}

static void take_result(const place_t *place, const lb_check_result_t *result, apr_pool_t *p)
{
    lb_check_row_t *row = &place->member.row->check;
    const end_t end = end_of(place->params, &place->check, result, p);
    const lb_check_verdict_t verdict = judge(place, &end, result);

    atomic_store(&row->outcome, (uint16_t)end.outcome);
    atomic_store(&row->took_us, (uint32_t)result->took);
    atomic_store(&row->checked_at, fc_now());
    if (result->http_status) {
        lb_silence_note_answered(place->member.row, fc_now());
    }
    if (verdict == LB_CHECK_BUSY) {
        count_busy(place, &end);
    }
    else {
        count(place, verdict == LB_CHECK_PASSED, &end);
    }
}

/* returns  the place of a check that was begun */
static place_t *place_of(const lb_check_t *check)
{
    for (int g = 0; g < groups->nelts; g++) {
        const group_t *group = &APR_ARRAY_IDX(groups, g, group_t);
        for (int slot = 0; slot < group->balancer->slots; slot++) {
            if (&group->places[slot].check == check) {
                return &group->places[slot];
            }
        }
    }
    return NULL;
}

void lb_checks_end(const lb_check_t *check, const lb_check_result_t *result, apr_pool_t *p)
{
    place_t *place = place_of(check);

    ap_assert(place != NULL);
    if (lb_member_is_admitted(&place->member)) {    /* else the slot may be another's by now */
        if (result->has_fpm_numbers) {
            note_fpm(&place->member.row->check, &result->fpm);
            learn_limit(place, &result->fpm);
        }
        else {
            atomic_store(&place->member.row->check.fpm_is_current, 0);
        }
        if (!check->only_status) {
            take_result(place, result, p);
        }
    }
    __atomic_store_n(&place->is_begun, false, __ATOMIC_RELEASE);
}

/* ---- For other fronts, and what they say ----------------------------------------------------- */

uint16_t lb_checks_stamp(const lb_member_t *member, apr_time_t since, bool *has_passed)
{
    const lb_check_row_t *row = &member->row->check;
    const int64_t judged_at = atomic_load(&row->judged_at);
    const uint16_t stamp = (uint16_t)(judged_at / 1000);

    *has_passed = atomic_load(&row->passes) > 0;
    return judged_at < since ? 0 : stamp ? stamp
                                         : 1;
}

void lb_checks_take_told(const lb_member_t *member, uint16_t stamp, bool has_passed)
{
    lb_check_row_t *row = &member->row->check;
    const int64_t now = fc_now();

    if (atomic_exchange(&row->told, stamp) == stamp) {
        return;
    }
    atomic_store(&row->told_at, has_passed ? now : 0);
    if (!has_passed) {
        atomic_store(&row->next_at, now);
    }
}

apr_time_t lb_checks_last(const lb_member_t *member)
{
    const lb_check_row_t *row = &member->row->check;
    const int64_t own = atomic_load(&row->checked_at), told = atomic_load(&row->told_at);

    return own > told ? own : told;
}

/* ---- For the watch and the snapshot ---------------------------------------------------------- */

void lb_checks_note_others(const lb_member_t *member)
{
    lb_member_row_t *row = member->row;
    const uint16_t is_down = PROXY_WORKER_IS(member->worker, PROXY_WORKER_HC_FAIL) ? 1 : 0;
    uint16_t known = !is_down;

    if (!lb_member_config_has_checks(member) && atomic_load(&row->check.is_down) != is_down
        && atomic_compare_exchange_strong(&row->check.is_down, &known, is_down)) {
        atomic_store(&row->strikes.since, fc_now());
    }
}

bool lb_checks_fpm_is_current(const lb_member_t *member)
{
    const lb_check_row_t *row = &member->row->check;
    const lb_check_params_t *params = lb_member_config_checks(member);

    /* one check may be late, and this one takes its time for the status page, too */
    return params && atomic_load(&row->fpm_is_current)
           && fc_now() - atomic_load(&row->fpm_at) < 3 * params->interval + 2 * params->timeout;
}
