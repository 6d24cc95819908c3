/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* wall_clock.c - see wall_clock.h. */
#include "wall_clock.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "apr_shm.h"
#include "clock.h"
#include "fastcgi_log.h"
#include "http_log.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

/* By less nobody sets a clock; measuring is right to a few us, unless the thread is kept waiting
 * in between. */
#define SET_US  (100 * 1000)
#define MOST_US (10 * 1000)

static const char ahead_key[] = "balancer_byrequests.wall_clock";

static _Atomic int64_t *ahead;    /* of the monotonic clock; us */

bool lb_wall_clock_open(server_rec *main)
{
    apr_pool_t *process = main->process->pool;
    void *found = NULL;
    apr_shm_t *shm;

    apr_pool_userdata_get(&found, ahead_key, process);
    if (!found) {
        const apr_status_t rv = apr_shm_create(&shm, sizeof(*ahead), NULL, process);
        if (rv != APR_SUCCESS) {
            ap_log_error(APLOG_MARK, APLOG_CRIT, rv, main, FCLOGNO(0535)
                         "no shared memory for the difference between two clocks");
            return false;
        }
        found = apr_shm_baseaddr_get(shm);
        atomic_store((_Atomic int64_t *)found, apr_time_now() - fc_now());
        /* with a copy of the key: a restart unloads this module */
        apr_pool_userdata_set(found, ahead_key, NULL, process);
    }
    ahead = found;
    return true;
}

/* A status asks tens of thousands of times: it is measured once a tick. */
static int64_t difference(void)
{
    static _Atomic int64_t measured_in;
    const apr_time_t tick = fc_now_roughly();

    if (atomic_exchange_explicit(&measured_in, tick, memory_order_relaxed) == tick) {
        return atomic_load(ahead);
    }
    const apr_time_t began = fc_now();
    const int64_t measured = apr_time_now() - began;
    const apr_interval_time_t took = fc_now() - began;
    int64_t known = atomic_load(ahead);

    if (took < MOST_US && llabs(measured - known) > SET_US
        && atomic_compare_exchange_strong(ahead, &known, measured)) {
        return measured;
    }
    return known;    /* what another one has just written, too */
}

apr_time_t lb_wall_clock_of(apr_time_t moment)
{
    return moment ? moment + difference() : 0;
}

apr_time_t lb_wall_clock_moment(apr_time_t time_of_day)
{
    return time_of_day ? time_of_day - difference() : 0;
}
