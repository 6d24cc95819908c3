/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* no_engine.c - in the place of a driver when there was no library for one: BalancerFleet is
 *               refused then, and nothing of this is called. */
#include "engine.h"

lb_engine_t *lb_engine_create(apr_pool_t *p, const lb_fleet_settings_t *settings, int stop_fd)
{
    return NULL;
}

bool lb_engine_connect(lb_engine_t *engine, apr_pool_t *p)
{
    return false;
}

bool lb_engine_perform(lb_engine_t *engine, const apr_array_header_t *asks, apr_pool_t *p)
{
    return false;
}

lb_fault_t lb_engine_fault(const lb_engine_t *engine)
{
    return LB_FAULT_NONE;
}

const char *lb_engine_reason(const lb_engine_t *engine)
{
    return "";
}

const char *lb_engine_server(const lb_engine_t *engine)
{
    return "";
}

void lb_engine_disconnect(lb_engine_t *engine)
{
}
