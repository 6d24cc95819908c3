/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* discovery_choice.c - see discovery_choice.h. */
#include "discovery_choice.h"

static bool goes_first(const lb_candidacy_t *a, const lb_candidacy_t *b)
{
    if (a->priority != b->priority) {
        return a->priority < b->priority;
    }
    if (a->is_member != b->is_member) {
        return a->is_member;
    }
    return a->hash != b->hash ? a->hash < b->hash : a < b;
}

size_t lb_discovery_choice(const lb_candidacy_t *candidacies, size_t count, size_t max,
                           bool *is_chosen)
{
    for (size_t i = 0; i < count; i++) {
        size_t before = 0;
        for (size_t k = 0; count > max && k < count; k++) {
            before += k != i && goes_first(&candidacies[k], &candidacies[i]);
        }
        is_chosen[i] = count <= max || before < max;
    }
    return count > max ? count - max : 0;
}
