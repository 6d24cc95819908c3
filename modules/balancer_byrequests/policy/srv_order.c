/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* srv_order.c - see srv_order.h. */
#include "srv_order.h"

#define SET_MAX   99
#define UNIT      100
#define RATIO_MAX 100

static uint32_t weight_of(const lb_srv_t *record)
{
    return record->weight ? record->weight : 1;
}

/* Of one priority. */
typedef struct {
    uint32_t least, greatest;
} range_t;

static range_t weights_at(const lb_srv_t *records, size_t count, uint16_t priority)
{
    range_t range = { UINT32_MAX, 0 };

    for (size_t i = 0; i < count; i++) {
        const uint32_t weight = weight_of(&records[i]);
        if (records[i].priority == priority) {
            range.least = weight < range.least ? weight : range.least;
            range.greatest = weight > range.greatest ? weight : range.greatest;
        }
    }
    return range;
}

static uint32_t lbfactor_of(uint32_t weight, range_t range)
{
    if (range.greatest <= RATIO_MAX * range.least) {
        return (UNIT * weight + range.least / 2) / range.least;
    }
    const uint32_t scaled = (uint32_t)(UINT64_C(1) * RATIO_MAX * UNIT * weight / range.greatest);
    return scaled > UNIT ? scaled : UNIT;
}

/* The next priority above this one; itself: there is none. */
static uint16_t next_above(const lb_srv_t *records, size_t count, uint16_t priority)
{
    uint16_t next = priority;

    for (size_t i = 0; i < count; i++) {
        const uint16_t p = records[i].priority;
        if (p > priority && (next == priority || p < next)) {
            next = p;
        }
    }
    return next;
}

static uint16_t least_of(const lb_srv_t *records, size_t count)
{
    uint16_t least = UINT16_MAX;

    for (size_t i = 0; i < count; i++) {
        least = records[i].priority < least ? records[i].priority : least;
    }
    return least;
}

static void place_those_of(const lb_srv_t *records, size_t count, uint16_t priority, uint32_t set,
                           lb_srv_place_t *places)
{
    const range_t range = weights_at(records, count, priority);

    for (size_t i = 0; i < count; i++) {
        if (records[i].priority == priority) {
            places[i] = (lb_srv_place_t){ set, lbfactor_of(weight_of(&records[i]), range) };
        }
    }
}

void lb_srv_order(const lb_srv_t *records, size_t count, lb_srv_place_t *places)
{
    uint16_t priority = least_of(records, count);

    for (uint32_t set = 0; count > 0; set += set < SET_MAX) {
        place_those_of(records, count, priority, set, places);
        const uint16_t next = next_above(records, count, priority);
        if (next == priority) {
            return;
        }
        priority = next;
    }
}
