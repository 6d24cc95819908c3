/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* discovery_rules.h - what an answer of DNS means for the members that come from a name, and when
 *                     to ask again.
 * Knows    that DNS fails, flaps and forgets, and that no request may suffer from it:
 *          - a query that failed says nothing: everything stays as it is, for ever;
 *          - an empty answer takes nobody away before `onempty` is over;
 *          - an address is gone when answers have left it out for `wait`, the last of them now. Its
 *            member takes no new requests then, and is removed when its last one has ended;
 *          - one that is named again goes on as it was.
 * Ignores  DNS, addresses, slots, httpd.
 * Memory   the caller's.   Threads: any, no state. */
#ifndef LB_DISCOVERY_RULES_H
#define LB_DISCOVERY_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "balancer_state.h"

/* What is asked for. */
typedef enum {
    LB_DISCOVER_NONE,
    LB_DISCOVER_A,        /* A and AAAA records: the addresses of a name */
    LB_DISCOVER_SRV       /* SRV records: hosts and ports of a service */
} lb_discover_t;

/* What came. */
typedef enum {
    LB_ANSWER_RECORDS,
    LB_ANSWER_EMPTY,      /* the name has no such records, or does not exist */
    LB_ANSWER_FAILED      /* nobody answered, or with an error */
} lb_answer_kind_t;

#define LB_ONEMPTY_KEEP INT64_MAX

/* What the configuration says; us. */
typedef struct {
    int64_t interval;     /* between two queries; 0: as the answer's TTL says */
    int64_t wait;
    int64_t onempty;      /* LB_ONEMPTY_KEEP: never */
} lb_discovery_terms_t;

/* How it stands with a source; all 0 at first. Times are monotonic us. */
typedef struct {
    lb_source_state_t state;
    uint32_t failures;    /* in a row */
    int64_t empty_since;  /* the first of the empty answers since there were addresses; 0: none */
} lb_discovery_standing_t;

/** A query has ended. */
void lb_discovery_rules_note(lb_discovery_standing_t *standing, lb_answer_kind_t kind, int64_t now);

/* How it stands with one member. */
typedef struct {
    bool is_named;          /* its address is in the answer */
    bool is_gone;           /* it takes no new requests, and waits for its last ones */
    int64_t missing_since;  /* the first answer without it, in a row; 0: it was in the last one */
} lb_discovered_standing_t;

/* What becomes of it. */
typedef enum {
    LB_DISCOVERED_STAYS,      /* as it is */
    LB_DISCOVERED_IS_MISSING, /* from now on; it serves all the same */
    LB_DISCOVERED_IS_FOUND,   /* it was missing, and is not any more */
    LB_DISCOVERED_GOES,
    LB_DISCOVERED_RETURNS     /* it was gone */
} lb_discovered_step_t;

/** Behind lb_discovery_rules_note(), for each member of the source. */
lb_discovered_step_t lb_discovery_rules_step(const lb_discovery_terms_t *terms,
                                             const lb_discovery_standing_t *standing,
                                             const lb_discovered_standing_t *member, int64_t now);

/** When to ask again.
 *  ttl      s, of the answer; of an empty one: how long it may be believed
 *  missing_since   of the member that has been missing for longest, behind the steps; 0: none is
 *  returns  monotonic us, later than now */
int64_t lb_discovery_rules_next(const lb_discovery_terms_t *terms,
                                const lb_discovery_standing_t *standing, uint32_t ttl,
                                int64_t missing_since, int64_t now);

#endif
