/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* discovery_choice.h - which addresses of an answer become members, when there are too many.
 * Knows    that the choice must not depend on the order of the answer, that members stay, and that
 *          of the others each has the same chance.
 * Ignores  addresses, DNS, httpd.
 * Memory   the caller's.   Threads: any, no state. */
#ifndef LB_DISCOVERY_CHOICE_H
#define LB_DISCOVERY_CHOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One address. */
typedef struct {
    uint32_t priority;    /* of its record: smaller ones go first */
    bool is_member;       /* it has a place already */
    uint64_t hash;        /* of the address, and of something of this server's own: several servers
                           * choose differently, and no address goes without requests */
} lb_candidacy_t;

/** Choose at most so many of them: by priority, members first, then by hash.
 *  is_chosen   written; room for all
 *  returns     how many were not chosen */
size_t lb_discovery_choice(const lb_candidacy_t *candidacies, size_t count, size_t max,
                           bool *is_chosen);

#endif
