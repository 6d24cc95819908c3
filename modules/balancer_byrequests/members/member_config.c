/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member_config.c - see member_config.h. */
#include "member_config.h"

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

lb_values_t lb_member_config_settings(apr_pool_t *p, const lb_configured_t *configured)
{
    lb_member_row_t row = { 0 };

    lb_member_config_set_limits(&row, lb_member_params_written(configured->worker));
    return lb_setting_of_member(p, configured->values, &row);
}
