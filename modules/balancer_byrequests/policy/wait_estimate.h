/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* wait_estimate.h - how long a request will wait, from who waits before it and how long members
 *                   take.
 * Knows    a running mean of the time that a request occupies a member, and sums over members.
 * Ignores  members and queues themselves, the clock.
 * Memory   the caller's.   Threads: one at a time for each struct.
 *
 * It errs on the short side, since a request is refused for it: what nobody has measured counts as
 * nothing, a single slow answer moves the mean by a fraction of itself, and the requests that are
 * at work are taken to be done. */
#ifndef LB_WAIT_ESTIMATE_H
#define LB_WAIT_ESTIMATE_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#define LB_SERVICE_PARTS   16                     /* the mean follows each request by one part */
#define LB_SERVICE_AT_MOST 4                      /* means: a longer one counts as so much */
#define LB_SERVICE_STALE_US (30 * 1000 * 1000)    /* an older mean says nothing any more */

#define LB_RETRY_AFTER_MAX 60                     /* s */

/* How long requests occupy a member. Part of the shared table's format. Writer: lock. */
typedef struct {
    int64_t measured_at;    /* monotonic us; 0: never */
    uint32_t mean_us;
    uint32_t reserved;
} lb_service_t;
static_assert(sizeof(lb_service_t) == 16, "fixed width");

/** One request has ended.
 *  took     us from its election to its end
 *  now      monotonic us */
void lb_service_note(lb_service_t *service, int64_t took, int64_t now);

/** The mean of late, us; 0: not known. */
uint32_t lb_service_mean(const lb_service_t *service, int64_t now);

/* What members serve together. */
typedef struct {
    uint64_t places;             /* sum of their limits */
    uint64_t measured_places;    /* of those whose mean is known */
    uint64_t rate;               /* requests in a million seconds that these serve */
    bool is_unlimited;           /* one has no limit: nobody waits for long */
} lb_capacity_t;

/** Add a member.
 *  limit    0: none
 *  mean_us  0: not known */
void lb_capacity_add(lb_capacity_t *capacity, uint32_t limit, uint32_t mean_us);

/** The mean over these members as they share the requests, us; 0: not known. */
int64_t lb_capacity_mean(const lb_capacity_t *capacity);

/** How long until so many have been served that wait before this one?
 *  returns  us; 0: nothing to go by */
int64_t lb_wait_estimate(uint64_t ahead, uint64_t places, int64_t mean_us);

/** Will this request wait longer than it may? Never when fewer wait than these members serve at a
 *  time.
 *  patience  us */
bool lb_wait_is_hopeless(uint64_t ahead, const lb_capacity_t *capacity, int64_t patience);

/** Retry-After for an estimated wait, 25 % more or less, so that not all come back at once.
 *  random   32 random bits
 *  returns  s, 1 to LB_RETRY_AFTER_MAX */
int lb_wait_retry_after(int64_t estimate_us, uint32_t random);

#endif
