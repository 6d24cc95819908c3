/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* health_exchange.c - see health_exchange.h. */
#include "health_exchange.h"

#include <string.h>

#include "apr_strings.h"
#include "checks.h"
#include "checks_lease.h"
#include "fastcgi_log.h"
#include "fleet_evidence.h"
#include "fleet_fronts.h"
#include "fleet_sum.h"
#include "http_log.h"
#include "http_main.h"
#include "member.h"
#include "own_view.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

/* Whoever has it, or finds that nobody has, has it for one lease more. */
static const char take_checks[] =
    "local holder = redis.call('GET', KEYS[1])\n"
    "if not holder or holder == ARGV[1] then\n"
    "    holder = ARGV[1]\n"
    "    redis.call('SET', KEYS[1], holder, 'PX', ARGV[2])\n"
    "end\n"
    "return { holder }\n";

static const lb_ask_t *asked;    /* in this round; NULL: nothing */

/* ---- Before ---------------------------------------------------------------------------------- */

static bool is_shared(const lb_balancer_t *balancer)
{
    return balancer->owner == balancer
           && lb_fleet_settings_shares(balancer->settings->fleet, LB_FLEET_HEALTH);
}

static bool any_is_shared(void)
{
    const apr_array_header_t *all = lb_balancer_all();
    bool any = false;

    for (int i = 0; i < all->nelts; i++) {
        any |= is_shared(APR_ARRAY_IDX(all, i, lb_balancer_t *));
    }
    return any;
}

static apr_array_header_t *texts(apr_pool_t *p, const char *first, const char *second)
{
    apr_array_header_t *array = apr_array_make(p, 2, sizeof(const char *));

    APR_ARRAY_PUSH(array, const char *) = first;
    if (second) {
        APR_ARRAY_PUSH(array, const char *) = second;
    }
    return array;
}

static void before(lb_fleet_round_t *round)
{
    const lb_fleet_settings_t *settings = round->settings;

    asked = NULL;
    if (any_is_shared()) {
        lb_round_fetch(round, LB_KIND_VIEW);
        asked = lb_round_run(round, take_checks,
                             texts(round->p, lb_round_key(round, "checks"), NULL),
                             texts(round->p, settings->front,
                                   apr_psprintf(round->p, "%" APR_TIME_T_FMT,
                                                apr_time_as_msec(settings->lease))));
    }
}

/* ---- Who makes the checks -------------------------------------------------------------------- */

static void note_holder(const lb_fleet_settings_t *settings, bool is_ours)
{
    if (lb_checks_lease_set(is_ours) && is_ours) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, ap_server_conf, FCLOGNO(0585)
                     "fleet %s: %s makes the checks of fleet=health for all fronts",
                     settings->name, settings->front);
    }
}

/* returns  the front that makes them; NULL: this one, or nobody knows */
static const char *other_holder(const lb_fleet_round_t *round)
{
    const char *holder = asked->texts->nelts > 0
                             ? (const char *)APR_ARRAY_IDX(asked->texts, 0, fc_span_t).at
                             : NULL;

    const bool is_ours = holder && strcmp(holder, round->settings->front) == 0;

    note_holder(round->settings, is_ours);
    return is_ours ? NULL : holder;
}

/* ---- After ----------------------------------------------------------------------------------- */

typedef struct {
    const apr_array_header_t *fronts;
    int others;                    /* fresh ones */
    const char *holder;            /* another front that makes the checks, NULL: none */
} news_t;

static int count_others(const apr_array_header_t *fronts)
{
    int others = 0;

    for (int i = 0; i < fronts->nelts; i++) {
        const lb_fleet_front_t *front = &APR_ARRAY_IDX(fronts, i, lb_fleet_front_t);
        others += front->is_fresh && front->view && !front->is_self;
    }
    return others;
}

static const lb_fleet_front_t *front_of(const news_t *news, const lb_fleet_part_t *part)
{
    return &APR_ARRAY_IDX(news->fronts, part->front, lb_fleet_front_t);
}

/* seen    what all fronts say of it */
static void take_evidence(const lb_member_t *member, const news_t *news,
                          const lb_fleet_member_t *seen)
{
    lb_fleet_evidence_t evidence = { .others = (uint16_t)news->others };

    for (int i = 0; i < seen->parts->nelts; i++) {
        const lb_fleet_part_t *part = &APR_ARRAY_IDX(seen->parts, i, lb_fleet_part_t);
        const lb_fleet_front_t *front = front_of(news, part);
        evidence.failing += front->is_fresh && !front->is_self && part->said->is_failing;
    }
    atomic_store(&member->row->evidence, lb_fleet_evidence_word(evidence));
}

static void take_check(const lb_member_t *member, const news_t *news,
                       const lb_fleet_member_t *seen)
{
    for (int i = 0; i < seen->parts->nelts; i++) {
        const lb_fleet_part_t *part = &APR_ARRAY_IDX(seen->parts, i, lb_fleet_part_t);
        const lb_fleet_front_t *front = front_of(news, part);
        if (front->is_fresh && part->said->checked && strcmp(front->name, news->holder) == 0) {
            lb_checks_take_told(member, (uint16_t)part->said->checked, part->said->has_passed);
        }
    }
}

static void take_news(apr_pool_t *p, const lb_balancer_t *balancer, const news_t *news,
                      const lb_fleet_sum_t *sum)
{
    const lb_front_balancer_t as = { .vhost = balancer->vhost,
                                     .key = lb_own_view_key(balancer) };
    lb_member_t member;

    for (int i = 0; lb_member_next(balancer, &i, &member);) {
        const lb_fleet_member_t *seen =
            lb_fleet_sum_find(sum, &as, lb_own_view_name(p, &member));
        if (seen) {
            take_evidence(&member, news, seen);
        }
        if (seen && news->holder) {
            take_check(&member, news, seen);
        }
    }
}

static void after(lb_fleet_round_t *round)
{
    const apr_array_header_t *all = lb_balancer_all();

    if (!asked) {
        return;
    }
    news_t news = { .holder = other_holder(round),
                    .fronts = lb_fleet_fronts(round->p, round->settings) };
    const lb_fleet_sum_t *sum = lb_fleet_sum(round->p, news.fronts);
    news.others = count_others(news.fronts);
    for (int i = 0; i < all->nelts; i++) {
        const lb_balancer_t *balancer = APR_ARRAY_IDX(all, i, lb_balancer_t *);
        if (is_shared(balancer)) {
            take_news(round->p, balancer, &news, sum);
        }
    }
}

/* Alone: what others saw is over, and each makes its own checks as results do not come. */
static void lost(apr_pool_t *p)
{
    const apr_array_header_t *all = lb_balancer_all();
    lb_member_t member;

    lb_checks_lease_set(false);
    for (int i = 0; i < all->nelts; i++) {
        const lb_balancer_t *balancer = APR_ARRAY_IDX(all, i, lb_balancer_t *);
        for (int k = 0; balancer->owner == balancer && lb_member_next(balancer, &k, &member);) {
            atomic_store(&member.row->evidence, 0);
        }
    }
}

const lb_exchange_t lb_health_exchange = {
    .name = "health", .before = before, .after = after, .lost = lost
};
