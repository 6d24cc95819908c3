/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* auto_limit.c - see auto_limit.h. */
#include "auto_limit.h"

#include <stdbool.h>

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t size_of(uint32_t before, const lb_pool_reading_t *reading)
{
    if (reading->process_manager == LB_PM_STATIC) {
        return reading->total_processes;
    }
    if (reading->process_manager == LB_PM_UNKNOWN || reading->max_children_reached == 0) {
        return before;
    }
    return larger(before, larger(reading->total_processes, reading->max_active_processes));
}

static bool is_surplus(const lb_pool_reading_t *reading, uint32_t in_flight)
{
    return reading->listen_queue > 0 && in_flight > reading->active_processes;
}

static void watch_backlog(lb_auto_limit_t *known, const lb_pool_reading_t *reading,
                          uint32_t in_flight)
{
    known->surplus_readings = is_surplus(reading, in_flight) ? known->surplus_readings + 1 : 0;
    known->clear_readings = reading->listen_queue == 0 ? known->clear_readings + 1 : 0;
    if (known->surplus_readings >= LB_SURPLUS_READINGS && known->size > 0) {
        known->served_at_most = larger(1, reading->active_processes);
    }
    if (known->clear_readings >= LB_CLEAR_READINGS) {
        known->served_at_most = 0;
    }
}

uint32_t lb_auto_limit_of(const lb_auto_limit_t *known)
{
    return known->served_at_most > 0 && known->served_at_most < known->size
               ? known->served_at_most
               : known->size;
}

uint32_t lb_auto_limit_read(lb_auto_limit_t *known, const lb_pool_reading_t *reading,
                            uint32_t in_flight)
{
    if (reading->start_time != known->start_time) {    /* reloaded: another configuration */
        *known = (lb_auto_limit_t){ .start_time = reading->start_time };
    }
    known->size = size_of(known->size, reading);
    watch_backlog(known, reading, in_flight);
    return lb_auto_limit_of(known);
}
