/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fine_histogram.c - see fine_histogram.h.
 * Bucket 0 is below the first octave; within an octave the borders lie evenly, so a bucket is an
 * eighth to a sixteenth as wide as it is high. */
#include "fine_histogram.h"

#define SHIFT      3    /* LB_FINE_STEPS is 1 << SHIFT */
#define LAST       (LB_FINE_BUCKETS - 1)
#define BEYOND     (INT64_C(1) << LB_FINE_LAST_BIT)

int lb_fine_histogram_bucket(int64_t took)
{
    if (took < INT64_C(1) << LB_FINE_FIRST_BIT) {
        return 0;
    }
    if (took >= BEYOND) {
        return LAST;
    }
    const int bit = 63 - __builtin_clzll((unsigned long long)took);
    const int step = (int)(took >> (bit - SHIFT)) & (LB_FINE_STEPS - 1);
    return 1 + (bit - LB_FINE_FIRST_BIT) * LB_FINE_STEPS + step;
}

/* The first duration of a bucket; of the one behind the last, BEYOND. */
static int64_t begin_of(int bucket)
{
    if (bucket == 0) {
        return 0;
    }
    if (bucket >= LAST) {
        return BEYOND;
    }
    const int octave = (bucket - 1) / LB_FINE_STEPS, step = (bucket - 1) % LB_FINE_STEPS;
    return (int64_t)(LB_FINE_STEPS + step) << (LB_FINE_FIRST_BIT - SHIFT + octave);
}

uint64_t lb_fine_histogram_count(const uint64_t *buckets)
{
    uint64_t count = 0;

    for (int i = 0; i < LB_FINE_BUCKETS; i++) {
        count += buckets[i];
    }
    return count;
}

int64_t lb_fine_histogram_percentile(const uint64_t *buckets, uint64_t count,
                                     int64_t mean, int percent)
{
    const double rank = (double)count * percent / 100;
    double below = 0;
    int i = 0;

    while (i < LAST && below + (double)buckets[i] < rank) {
        below += (double)buckets[i++];
    }
    return buckets[i] == count ? mean : (begin_of(i) + begin_of(i + 1)) / 2;
}
