/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_stamps.c - see fleet_stamps.h.
 *
 * To leave an answer out is always safe: it only makes the bounds wider. */
#include "fleet_stamps.h"

#include <stdbool.h>
#include <string.h>

/* Is the last answer so soon after the one before it that the new one may take its place? */
static bool is_dense(const lb_stamps_t *stamps, int64_t span)
{
    const uint32_t n = stamps->count;

    return n >= 2
           && stamps->answers[n - 1].received - stamps->answers[n - 2].received
                  < span / (LB_STAMPS_KEPT / 2);
}

void lb_stamps_note(lb_stamps_t *stamps, uint64_t stamp, int64_t sent, int64_t received,
                    int64_t span)
{
    if (is_dense(stamps, span)) {
        stamps->count--;
    }
    if (stamps->count == LB_STAMPS_KEPT) {
        memmove(&stamps->answers[0], &stamps->answers[1],
                sizeof(stamps->answers) - sizeof(stamps->answers[0]));
        stamps->count--;
    }
    stamps->answers[stamps->count].stamp = stamp;
    stamps->answers[stamps->count].sent = sent;
    stamps->answers[stamps->count].received = received;
    stamps->count++;
}

int64_t lb_stamps_not_before(const lb_stamps_t *stamps, uint64_t stamp)
{
    for (uint32_t i = stamps->count; i > 0; i--) {
        if (stamps->answers[i - 1].stamp < stamp) {
            return stamps->answers[i - 1].sent;
        }
    }
    return LB_STAMPS_UNKNOWN;
}

int64_t lb_stamps_not_after(const lb_stamps_t *stamps, uint64_t stamp)
{
    for (uint32_t i = 0; i < stamps->count; i++) {
        if (stamps->answers[i].stamp >= stamp) {
            return stamps->answers[i].received;
        }
    }
    return LB_STAMPS_TO_COME;
}
