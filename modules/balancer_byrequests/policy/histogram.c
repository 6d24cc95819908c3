/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* histogram.c - see histogram.h. */
#include "histogram.h"

int lb_histogram_bucket(int64_t took)
{
    int bucket = 0;
    int64_t decade = 100;

    while (bucket < LB_HISTOGRAM_BUCKETS - 1 && took > 5 * decade) {
        bucket += 3;
        decade *= 10;
    }
    if (bucket >= LB_HISTOGRAM_BUCKETS - 1) {
        return LB_HISTOGRAM_BUCKETS - 1;
    }
    bucket += took > decade;
    bucket += took > 2 * decade;
    return bucket < LB_HISTOGRAM_BUCKETS ? bucket : LB_HISTOGRAM_BUCKETS - 1;
}
