/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* check_reliance.c - see check_reliance.h. */
#include "check_reliance.h"

int64_t lb_check_reliance(const lb_check_reliance_t *facts, int64_t now)
{
    const int64_t left = facts->told_at + 2 * facts->interval - now;

    if (!facts->told_at || !facts->has_passed || facts->is_out || facts->reads_numbers) {
        return 0;
    }
    return left > 0 && facts->told_at <= now ? left : 0;
}
