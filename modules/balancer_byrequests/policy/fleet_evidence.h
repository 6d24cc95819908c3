/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_evidence.h - what other fronts see of a member makes this one believe its own failures
 *                    sooner; it never puts a member out by itself.
 * Knows    the rule: if at least half of the others see it failing, one failure less is enough.
 * Ignores  httpd, what failing is, how fronts learn of each other.
 * Memory   one word of a shared row.   Threads: any. */
#ifndef LB_FLEET_EVIDENCE_H
#define LB_FLEET_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint16_t failing;      /* of the others */
    uint16_t others;       /* fronts that are in contact, without this one */
} lb_fleet_evidence_t;

/** As one word, which is read and written at once; 0: there are no others. */
static inline uint32_t lb_fleet_evidence_word(lb_fleet_evidence_t evidence)
{
    return (uint32_t)evidence.others << 16 | evidence.failing;
}

static inline lb_fleet_evidence_t lb_fleet_evidence_of(uint32_t word)
{
    return (lb_fleet_evidence_t){ .failing = (uint16_t)word, .others = (uint16_t)(word >> 16) };
}

/** How many failures put the member out here.
 *  max     maxfails, at least 1
 *  returns 1 to max */
uint32_t lb_fleet_evidence_failures_needed(lb_fleet_evidence_t evidence, uint32_t max);

#endif
