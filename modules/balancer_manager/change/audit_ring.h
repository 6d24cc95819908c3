/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* audit_ring.h - the last entries of an audit, in memory that processes share.
 * Knows    fixed-width entries, no pointers: a published format.
 * Ignores  httpd, locks, time, and what entries are about (audit.c).
 * Memory   the caller's, zeroed at first.
 * Threads  one writer at a time, and no reader meanwhile: audit.c has the lock.
 *
 * Invariant: a writer may be killed at any byte. It writes into a place that no reader looks at,
 * and counts the entry when all of it is there; so there is one place more than entries. */
#ifndef MGR_AUDIT_RING_H
#define MGR_AUDIT_RING_H

#include <assert.h>
#include <stdint.h>

enum {
    MGR_AUDIT_RING_SHOWN = 200,
    MGR_AUDIT_RING_PLACES = MGR_AUDIT_RING_SHOWN + 1
};

/* Longer texts are cut. */
typedef struct {
    int64_t at;              /* us since 1970 */
    char user[64];
    char address[48];
    char vhost[136];
    char balancer[128];
    char member[384];
    char what[64];
    char before[128];
    char after[128];
    char scope[8];
} mgr_audit_ring_entry_t;
static_assert(sizeof(mgr_audit_ring_entry_t) == 1096, "fixed width");

typedef struct {
    uint64_t count;          /* of all that were ever written; writer: who has the lock */
    mgr_audit_ring_entry_t places[MGR_AUDIT_RING_PLACES];
} mgr_audit_ring_t;

/** The place for the next entry, to be filled in, and then to be counted. */
mgr_audit_ring_entry_t *mgr_audit_ring_next(mgr_audit_ring_t *ring);
void mgr_audit_ring_count(mgr_audit_ring_t *ring);

/** The n-th newest entry, 0 for the last one; NULL: there are not so many. */
const mgr_audit_ring_entry_t *mgr_audit_ring_newest(const mgr_audit_ring_t *ring, uint64_t n);

#endif
