/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member_config.c - see member_config.h. */
#include "member_config.h"

#include "fleet_settings.h"

static const proxy_worker *configured(const lb_member_t *member)
{
    return lb_balancer_configured_worker(member->balancer, member->worker->s->index);
}

const lb_member_params_t *lb_member_config_params(const lb_member_t *member)
{
    return lb_member_params_written(configured(member));
}

const lb_check_params_t *lb_member_config_checks(const lb_member_t *member)
{
    return lb_check_params_is_fastcgi(member->worker) ? lb_check_params_of(configured(member))
                                                      : NULL;
}

bool lb_member_config_has_checks(const lb_member_t *member)
{
    const lb_check_params_t *params = lb_member_config_checks(member);
    return params && params->is_checked;
}

void lb_member_config_set_limits(lb_member_row_t *row, const lb_member_params_t *params)
{
    atomic_store(&row->limit, (uint32_t)params->maxinflight);
    atomic_store(&row->queue_limit, (uint32_t)params->queue);
    atomic_store(&row->queue_timeout, params->queuetimeout);
    atomic_store(&row->sticky_wait, params->stickywait);
}

void lb_member_config_set_shared(lb_member_row_t *row, const lb_balancer_t *balancer)
{
    atomic_store(&row->is_shared, lb_fleet_settings_shares(balancer->owner->settings->fleet,
                                                           LB_FLEET_LIMITS));
}

static lb_values_t settings_of(apr_pool_t *p, const proxy_worker *worker,
                               const proxy_worker_shared *shared)
{
    lb_member_row_t row = { 0 };

    lb_member_config_set_limits(&row, lb_member_params_written(worker));
    return lb_setting_of_member(p, shared, &row);
}

bool lb_member_config_settings(apr_pool_t *p, const lb_balancer_t *balancer, int slot,
                               lb_values_t *values)
{
    const lb_configured_t *configured = lb_roster_configured(balancer->roster, slot);
    const lb_source_t *source = lb_roster_source(balancer->roster, slot);

    if (configured) {
        *values = settings_of(p, configured->worker, configured->values);
    }
    else if (source) {
        const lb_slot_t *given = &balancer->roster->slots[slot];
        *values = settings_of(p, source->template, source->template->s);
        lb_values_put_number(values, LB_SETTING_WEIGHT, atomic_load(&given->given_lbfactor));
        lb_values_put_number(values, LB_SETTING_LBSET, atomic_load(&given->given_set));
    }
    return configured || source;
}

/* Those whose first check is still to come are as if they were not there. */
static bool has_members(const lb_balancer_t *balancer)
{
    lb_member_t member;

    for (int i = 0; lb_member_next(balancer, &i, &member);) {
        if (!lb_member_leaves(&member) && !atomic_load(&member.row->check.is_new)) {
            return true;
        }
    }
    return false;
}

lb_queue_to_come_t lb_member_config_queue_to_come(const lb_balancer_t *balancer)
{
    lb_queue_to_come_t queue = { 0 };

    if (balancer->sources->nelts == 0 || has_members(balancer)) {
        return queue;
    }
    for (int i = 0; i < balancer->sources->nelts; i++) {
        const lb_source_t *source = &APR_ARRAY_IDX(balancer->sources, i, lb_source_t);
        const lb_member_params_t *params = lb_member_params_written(source->template);
        queue.places += (uint32_t)params->queue;
        queue.timeout =
            params->queuetimeout > queue.timeout ? params->queuetimeout : queue.timeout;
    }
    return queue;
}
