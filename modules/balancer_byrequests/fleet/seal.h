/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* seal.h - texts that fronts leave for each other, sealed: who can write the store, but does not
 *          know the secret, cannot speak for a front.
 * Knows    "v1 HMAC SEQUENCE INCARNATION TEXT", HMAC-SHA256 over fleet, kind, front and all that
 *          follows; "-" in the place of the HMAC when there is no secret.
 * Ignores  what the text says; whether an older one is played again (fleet_round.c).
 * Memory   the caller's pool.   Threads: any, no state. */
#ifndef LB_SEAL_H
#define LB_SEAL_H

#include <stdbool.h>

#include "apr_pools.h"
#include "span.h"

/* What a text is sealed for: it is worth nothing in another place. */
typedef struct {
    fc_span_t secret;     /* no bytes: there is none */
    const char *fleet, *kind, *front;
} lb_seal_t;

typedef struct {
    uint64_t sequence;       /* grows with each text of a front */
    uint64_t incarnation;    /* random: of one life of httpd, graceful restarts included */
    const char *text;
} lb_sealed_t;

/** returns  NULL: OpenSSL has failed */
const char *lb_seal_close(apr_pool_t *p, const lb_seal_t *seal, const lb_sealed_t *sealed);

/** returns  NULL; else what is wrong with it: then nothing of it may be used */
const char *lb_seal_open(apr_pool_t *p, const lb_seal_t *seal, const char *closed,
                         lb_sealed_t *sealed);

#endif
