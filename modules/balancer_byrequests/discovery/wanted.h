/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* wanted.h - which members a source should have, by an answer with addresses.
 * Knows    URLs of members, places by SRV records, the choice when there are too many.
 * Ignores  what becomes of members that are not wanted (discovery.c).
 * Memory   the caller's pool.   Threads: with the balancer's global mutex held. */
#ifndef LB_WANTED_H
#define LB_WANTED_H

#include "apr_hash.h"
#include "member.h"
#include "resolver.h"

typedef struct {
    const char *url;
    lb_srv_place_t place;
} lb_wanted_t;

/** Members of this balancer by name: const char * -> lb_member_t. */
apr_hash_t *lb_wanted_members(apr_pool_t *p, const lb_balancer_t *balancer);

/** Those that are wanted, by URL: const char * -> lb_wanted_t. An address that another line of the
 *  balancer stands for is that line's.
 *  members   see lb_wanted_members()
 *  dropped   written: addresses over discovermax */
apr_hash_t *lb_wanted_of(apr_pool_t *p, const lb_source_t *source, const lb_answer_t *answer,
                         apr_hash_t *members, uint32_t *dropped);

#endif
