/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* wait_estimate.c - see wait_estimate.h. */
#include "wait_estimate.h"

#define MILLION 1000000

static int64_t at_most(int64_t value, int64_t most)
{
    return value < most ? value : most;
}

void lb_service_note(lb_service_t *service, int64_t took, int64_t now)
{
    const int64_t mean = lb_service_mean(service, now);
    const int64_t counted = at_most(took > 0 ? took : 1, UINT32_MAX);

    service->mean_us =
        mean == 0
            ? (uint32_t)counted
            : (uint32_t)(mean
                         + (at_most(counted, mean * LB_SERVICE_AT_MOST) - mean) / LB_SERVICE_PARTS);
    service->measured_at = now;
}

uint32_t lb_service_mean(const lb_service_t *service, int64_t now)
{
    return service->measured_at != 0 && now - service->measured_at <= LB_SERVICE_STALE_US
               ? service->mean_us
               : 0;
}

void lb_capacity_add(lb_capacity_t *capacity, uint32_t limit, uint32_t mean_us)
{
    capacity->is_unlimited |= limit == 0;
    capacity->places += limit;
    if (mean_us > 0) {
        capacity->measured_places += limit;
        capacity->rate += (uint64_t)limit * MILLION * MILLION / mean_us;
    }
}

int64_t lb_capacity_mean(const lb_capacity_t *capacity)
{
    return capacity->rate == 0
               ? 0
               : (int64_t)((double)capacity->measured_places * MILLION * MILLION
                           / (double)capacity->rate);
}

int64_t lb_wait_estimate(uint64_t ahead, uint64_t places, int64_t mean_us)
{
    return places == 0 ? 0 : (int64_t)((double)ahead * (double)mean_us / (double)places);
}

bool lb_wait_is_hopeless(uint64_t ahead, const lb_capacity_t *capacity, int64_t patience)
{
    return !capacity->is_unlimited && ahead >= capacity->places
           && lb_wait_estimate(ahead, capacity->places, lb_capacity_mean(capacity)) > patience;
}

int lb_wait_retry_after(int64_t estimate_us, uint32_t random)
{
    const int64_t most = (int64_t)LB_RETRY_AFTER_MAX * MILLION;
    const double factor = 0.75 + 0.5 * (double)random / UINT32_MAX;
    const int64_t jittered = (int64_t)((double)at_most(estimate_us, most) * factor);
    const int64_t seconds = (jittered + MILLION - 1) / MILLION;

    return seconds < 1 ? 1 : (int)at_most(seconds, LB_RETRY_AFTER_MAX);
}
