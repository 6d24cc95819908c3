/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* tally.c - see tally.h. */
#include "tally.h"

#include <string.h>

const char *const mgr_tally_classes[MGR_TALLY_CLASSES] = {
    "none",
    "1xx",
    "2xx",
    "3xx",
    "4xx",
    "5xx",
};

static uint64_t count_of(const uint64_t *ends, const char *word, int below)
{
    uint64_t count = 0;

    for (int i = 0; i < below; i++) {
        if (ends[i] > 0 && strcmp(word, lb_outcome_word((lb_outcome_t)i)) == 0) {
            count += ends[i];
        }
    }
    return count;
}

const char *mgr_tally_next(const uint64_t *ends, int *at, uint64_t *count)
{
    for (; *at < LB_OUTCOME_COUNT; ++*at) {
        if (ends[*at] > 0) {
            const char *word = lb_outcome_word((lb_outcome_t)*at);
            if (count_of(ends, word, *at) == 0) {    /* its first */
                *count = count_of(ends, word, LB_OUTCOME_COUNT);
                ++*at;
                return word;
            }
        }
    }
    return NULL;
}

double mgr_tally_error_percent(const lb_recent_t *recent)
{
    const double all = recent->requests + recent->refused;
    return all > 0 ? 100 * (recent->failures + recent->refused) / all : -1;
}
