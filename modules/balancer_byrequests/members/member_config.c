/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member_config.c - see member_config.h. */
#include "member_config.h"

#include "cluster.h"

const lb_member_params_t *lb_member_config_params(const proxy_worker *member)
{
    return lb_member_params_written(lb_cluster_configured(member));
}

const lb_check_params_t *lb_member_config_checks(const proxy_worker *member)
{
    return lb_check_params_is_fastcgi(member) ? lb_check_params_of(lb_cluster_configured(member))
                                              : NULL;
}

int lb_member_config_has_checks(const proxy_worker *member)
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

void lb_member_config_set_configured_limits(lb_member_row_t *row, const lb_configured_t *configured)
{
    if (configured) {
        lb_member_config_set_limits(row, lb_member_params_written(configured->member));
    }
}
