/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* own_view.c - see own_view.h. */
#include "own_view.h"

#include "ap_mpm.h"
#include "checks.h"
#include "checks_lease.h"
#include "fastcgi_version.h"
#include "fleet_settings.h"
#include "member_counters.h"
#include "panic.h"
#include "setting.h"
#include "member_state.h"

/* Out of service for what it did; not a newcomer that has yet to pass a check. */
static bool is_failing(const lb_member_t *member, lb_state_t state)
{
    return state == LB_STATE_ERROR || state == LB_STATE_TRIAL || lb_panic_keeps(member)
           || (state == LB_STATE_HEALTH_FAIL && !atomic_load(&member->row->check.is_new));
}

/* maxinflight, and not what this front has of it. */
static uint32_t limit_of(const lb_member_row_t *row)
{
    const uint32_t limit = atomic_load(&row->limit);
    return limit == LB_LIMIT_AUTO ? atomic_load(&row->auto_limit) : limit;
}

const char *lb_own_view_key(const lb_balancer_t *balancer)
{
    return balancer->proxy->s->name + sizeof(BALANCER_PREFIX) - 1;
}

const char *lb_own_view_name(apr_pool_t *p, const lb_member_t *member)
{
    proxy_worker *worker = member->worker;

    return *worker->s->uds_path ? ap_proxy_worker_name(p, worker)
                                : LB_SETTING_COPY(p, worker->s->name_ex);
}

static lb_front_member_t view_of(apr_pool_t *p, const lb_member_t *member)
{
    const lb_member_row_t *row = member->row;
    const lb_state_t state = lb_member_state_of(member);
    const apr_time_t since = lb_checks_lease_since();
    bool has_passed = false;
    const uint32_t share = lb_table_share_of(row);
    const bool is_shared = share != UINT32_MAX;
    const uint16_t checked = since ? lb_checks_stamp(member, since, &has_passed) : 0;

    return (lb_front_member_t){
        .name = lb_own_view_name(p, member),
        .state = state,
        .is_failing = is_failing(member, state),
        .in_flight = atomic_load(&row->in_flight),
        .queued = atomic_load(&row->waiting),
        .limit = limit_of(row),
        .is_shared = is_shared,
        .share = is_shared ? share : 0,
        .floor = is_shared ? lb_table_floor_of(row) : 0,
        .elected =
            atomic_load(&row->elected) - atomic_load(&lb_member_counters_of(member)->forgotten),
        .failures = atomic_load(&row->failures),
        .checked = checked,
        .has_passed = checked && has_passed,
    };
}

static bool is_shared(const lb_balancer_t *balancer)
{
    return balancer->owner == balancer
           && lb_fleet_settings_shares(balancer->settings->fleet,
                                       LB_FLEET_VIEW | LB_FLEET_HEALTH);
}

static void add_balancer(apr_pool_t *p, const lb_balancer_t *balancer, apr_array_header_t *views)
{
    lb_front_balancer_t *view = apr_array_push(views);
    lb_member_t member;

    view->vhost = balancer->vhost;
    view->key = lb_own_view_key(balancer);
    view->queued = atomic_load(&balancer->row->waiting);
    view->members = apr_array_make(p, 8, sizeof(lb_front_member_t));
    lb_balancer_sync(balancer->proxy, balancer->server);
    for (int i = 0; lb_member_next(balancer, &i, &member);) {
        APR_ARRAY_PUSH(view->members, lb_front_member_t) = view_of(p, &member);
    }
}

static uint64_t generation(void)
{
    int number = 0;

    ap_mpm_query(AP_MPMQ_GENERATION, &number);
    return number > 0 ? (uint64_t)number : 0;
}

lb_front_view_t *lb_own_view(apr_pool_t *p)
{
    const apr_array_header_t *all = lb_balancer_all();
    lb_front_view_t *view = apr_pcalloc(p, sizeof(*view));

    view->software = FASTCGI_CLUSTER_VERSION;
    view->generation = generation();
    view->makes_checks = lb_checks_lease_since() != 0;
    view->balancers = apr_array_make(p, all->nelts + 1, sizeof(lb_front_balancer_t));
    for (int i = 0; i < all->nelts; i++) {
        const lb_balancer_t *balancer = APR_ARRAY_IDX(all, i, lb_balancer_t *);
        if (is_shared(balancer)) {
            add_balancer(p, balancer, view->balancers);
        }
    }
    return view;
}
