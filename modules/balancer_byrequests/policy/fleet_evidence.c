/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_evidence.c - see fleet_evidence.h. */
#include "fleet_evidence.h"

uint32_t lb_fleet_evidence_failures_needed(lb_fleet_evidence_t evidence, uint32_t max)
{
    const bool is_seen = evidence.failing > 0 && 2 * evidence.failing >= evidence.others;
    return is_seen && max > 1 ? max - 1 : max;
}
