/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member_detail.c - see member_detail.h. */
#include "member_detail.h"

#include <string.h>

#include "member_config.h"
#include "member_counters.h"
#include "samples.h"
#include "wall_clock.h"

static int (*kept_of)(const proxy_worker *worker, apr_pool_t *p);

void lb_member_detail_ask_for_kept(int (*kept)(const proxy_worker *worker, apr_pool_t *p))
{
    kept_of = kept;
}

static bool find_member(int balancer, const char *url, lb_member_t *member)
{
    const apr_array_header_t *all = lb_balancer_all();

    for (int i = 0; i < all->nelts; i++) {
        const lb_balancer_t *one = APR_ARRAY_IDX(all, i, lb_balancer_t *);
        int at = 0;
        while (one->id == balancer && lb_member_next(one, &at, member)) {
            if (strcmp(member->worker->s->name_ex, url) == 0) {
                return true;
            }
        }
    }
    return false;
}

static const lb_check_detail_t *check_of(apr_pool_t *p, const lb_check_params_t *params)
{
    const lb_check_detail_t check = {
        .method = params->method ? params->method : "connect",
        .uri = params->uri,
        .expr = params->expr_name,
        .interval = params->interval,
        .timeout = params->timeout,
        .passes = params->passes,
        .fails = params->fails,
    };
    return params->is_checked ? apr_pmemdup(p, &check, sizeof(check)) : NULL;
}

/* By mod_proxy_hcheck. */
static const lb_check_detail_t *check_of_others(apr_pool_t *p, const proxy_worker_shared *s)
{
    const lb_check_detail_t check = {
        .method = ap_proxy_show_hcmethod(s->method),
        .uri = *s->hcuri ? LB_SETTING_COPY(p, s->hcuri) : NULL,
        .expr = *s->hcexpr ? LB_SETTING_COPY(p, s->hcexpr) : NULL,
        .interval = s->interval,
        .passes = s->passes,
        .fails = s->fails,
    };
    return s->method != NONE ? apr_pmemdup(p, &check, sizeof(check)) : NULL;
}

static apr_array_header_t *past_of(apr_pool_t *p, const lb_member_t *member)
{
    apr_array_header_t *past = apr_array_make(p, LB_RECENT_MARKS, sizeof(lb_sample_t));

    past->nelts = lb_samples_copy_member(lb_member_counters_of_balancer(member->balancer),
                                         lb_member_counters_of(member),
                                         (lb_sample_t *)(void *)past->elts);
    for (int i = 0; i < past->nelts; i++) {
        lb_sample_t *sample = &APR_ARRAY_IDX(past, i, lb_sample_t);
        sample->at = lb_wall_clock_of(sample->at);
    }
    return past;
}

lb_member_detail_t *lb_member_detail_take(apr_pool_t *p, int balancer, const char *url)
{
    lb_member_detail_t *detail = apr_pcalloc(p, sizeof(*detail));
    lb_member_t member;

    if (!find_member(balancer, url, &member)) {
        return NULL;
    }
    const lb_member_params_t *params = lb_member_config_params(&member);
    const lb_check_params_t *checks = lb_member_config_checks(&member);
    const bool is_fastcgi = lb_check_params_is_fastcgi(member.worker);
    detail->maxfails = params->maxfails;
    detail->failwindow = params->failwindow;
    detail->slowstart = params->slowstart;
    detail->stickywait = params->stickywait;
    detail->check = checks ? check_of(p, checks) : check_of_others(p, member.worker->s);
    detail->status_uri = checks ? checks->status_uri : NULL;
    detail->kept = kept_of && is_fastcgi ? kept_of(member.worker, p) : -1;
    detail->past = past_of(p, &member);
    return detail;
}
