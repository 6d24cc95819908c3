/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* audit_ring.c - see audit_ring.h. */
#include "audit_ring.h"

#include <stddef.h>

mgr_audit_ring_entry_t *mgr_audit_ring_next(mgr_audit_ring_t *ring)
{
    return &ring->places[ring->count % MGR_AUDIT_RING_PLACES];
}

void mgr_audit_ring_count(mgr_audit_ring_t *ring)
{
    __atomic_store_n(&ring->count, ring->count + 1, __ATOMIC_RELEASE);
}

const mgr_audit_ring_entry_t *mgr_audit_ring_newest(const mgr_audit_ring_t *ring, uint64_t n)
{
    if (n >= MGR_AUDIT_RING_SHOWN || n >= ring->count) {
        return NULL;
    }
    return &ring->places[(ring->count - 1 - n) % MGR_AUDIT_RING_PLACES];
}
