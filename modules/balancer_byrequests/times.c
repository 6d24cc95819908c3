/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* times.c - see times.h. */
#include "times.h"

int lb_times_bucket(int64_t took)
{
    int bucket = 0;
    int64_t decade = 100;

    while (bucket < LB_TIMES_BUCKETS - 1 && took > 5 * decade) {
        bucket += 3;
        decade *= 10;
    }
    if (bucket >= LB_TIMES_BUCKETS - 1) {
        return LB_TIMES_BUCKETS - 1;
    }
    bucket += took > decade;
    bucket += took > 2 * decade;
    return bucket < LB_TIMES_BUCKETS ? bucket : LB_TIMES_BUCKETS - 1;
}

uint64_t lb_times_count(const uint64_t *buckets)
{
    uint64_t count = 0;

    for (int i = 0; i < LB_TIMES_BUCKETS; i++) {
        count += buckets[i];
    }
    return count;
}

apr_interval_time_t lb_times_percentile(const uint64_t *buckets, int percent)
{
    const double rank = (double)lb_times_count(buckets) * percent / 100;
    apr_interval_time_t lower = 0;
    double below = 0;

    if (rank <= 0) {
        return -1;
    }
    for (int i = 0; i < LB_TIMES_BUCKETS - 1; i++) {
        const apr_interval_time_t upper = lb_times_bound(i);
        const double count = (double)buckets[i];
        if (below + count >= rank) {
            return lower + (apr_interval_time_t)((double)(upper - lower) * (rank - below) / count);
        }
        below += count;
        lower = upper;
    }
    return lower;
}
