/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member_counters.c - see member_counters.h. */
#include "member_counters.h"

#include "clock.h"
#include "row_key.h"
#include "samples.h"

lb_balancer_room_t *lb_member_counters_of_balancer(const lb_cluster_t *cluster)
{
    lb_table_t *t = cluster->ledger->table;
    return lb_table_balancer_room(t, lb_table_balancer_index(t, cluster->row));
}

lb_member_room_t *lb_member_counters_of_slot(const lb_cluster_t *cluster, int slot)
{
    lb_table_t *t = cluster->ledger->table;
    return lb_table_member_room(t, lb_table_member_index(t, cluster->member_rows[slot]));
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

/* mod_proxy's counts end with a restart; ours go on. `seen` is as old as mod_proxy's count: what
 * several see at the same time only one takes over. */
static bool is_new(const _Atomic uint64_t *seen, const apr_off_t *counted)
{
    return (uint64_t)__atomic_load_n(counted, __ATOMIC_RELAXED) > atomic_load(seen);
}

static void fold(_Atomic uint64_t *bytes, _Atomic uint64_t *seen, const apr_off_t *counted)
{
    uint64_t before = atomic_load(seen);
    const uint64_t now = (uint64_t)__atomic_load_n(counted, __ATOMIC_RELAXED);

    if (now > before && atomic_compare_exchange_strong(seen, &before, now)) {
        atomic_fetch_add_explicit(bytes, now - before, memory_order_relaxed);
    }
}

/* Not, for a child of an earlier generation, when the row is somebody else's by now. */
static bool is_owner(const lb_cluster_t *cluster, const proxy_worker *member)
{
    return atomic_load(&cluster->member_rows[member->s->index]->key)
           == lb_row_key_of_member(cluster, member->s);
}

void lb_member_counters_fold_member(const lb_cluster_t *cluster, const proxy_worker *member)
{
    const proxy_worker_shared *s = member->s;
    lb_slot_t *slot = &cluster->roster->slots[s->index];

    if ((is_new(&slot->bytes_sent_seen, &s->transferred)
         || is_new(&slot->bytes_read_seen, &s->read))
        && is_owner(cluster, member)) {
        lb_counters_t *counters = &lb_member_counters_of_slot(cluster, s->index)->counters;
        fold(&counters->bytes_sent, &slot->bytes_sent_seen, &s->transferred);
        fold(&counters->bytes_read, &slot->bytes_read_seen, &s->read);
    }
}

void lb_member_counters_fold_bytes(const lb_cluster_t *cluster)
{
    const proxy_balancer *b = cluster->balancer;

    for (int i = 0; i < b->workers->nelts; i++) {
        const proxy_worker *member = lb_cluster_member(b, i);
        if (member) {
            lb_member_counters_fold_member(cluster, member);
        }
    }
}

/* ---- Samples --------------------------------------------------------------------------------- */

void lb_member_counters_sample(const lb_cluster_t *cluster)
{
    const apr_time_t now = fcgi_now();
    lb_balancer_room_t *room = lb_member_counters_of_balancer(cluster);
    uint32_t in_flight = 0, queued = atomic_load(&cluster->row->waiting);
    lb_gain_t gain = { 0 };

    /* children of the generation before do not know all members */
    if (atomic_load(&cluster->row->generation) != cluster->generation
        || !lb_samples_is_due(room, now)) {
        return;
    }
    for (int slot = 0; slot < cluster->slots; slot++) {
        const lb_member_row_t *row = cluster->member_rows[slot];
        lb_samples_mark(room, lb_member_counters_of_slot(cluster, slot), &gain);
        in_flight += atomic_load(&row->in_flight);
        queued += atomic_load(&row->waiting);
    }
    lb_samples_add_sample(room, now, &gain, in_flight, queued);
    lb_member_counters_fold_bytes(cluster);
}

/* ---- Beginnings ------------------------------------------------------------------------------ */

static void begin(_Atomic int64_t *counted_since)
{
    int64_t never = 0;
    atomic_compare_exchange_strong(counted_since, &never, fcgi_now());
}

void lb_member_counters_begin_slot(const lb_cluster_t *cluster, int slot)
{
    begin(&lb_member_counters_of_slot(cluster, slot)->counted_since);
}

void lb_member_counters_begin(const lb_cluster_t *cluster)
{
    begin(&lb_member_counters_of_balancer(cluster)->counted_since);
    for (int slot = 0; slot < cluster->slots; slot++) {
        lb_member_counters_begin_slot(cluster, slot);
    }
}

uint64_t lb_member_counters_elected(const lb_cluster_t *cluster, int slot)
{
    const lb_member_room_t *room = lb_member_counters_of_slot(cluster, slot);
    /* in this order: of those that are forgotten each was counted before */
    const uint64_t forgotten = atomic_load(&room->forgotten);
    return atomic_load(&cluster->member_rows[slot]->elected) - forgotten;
}

static void reset_slot(const lb_cluster_t *cluster, int slot, apr_time_t now)
{
    lb_counters_reset_member(lb_member_counters_of_slot(cluster, slot),
                             lb_member_counters_elected(cluster, slot),
                             atomic_load(&cluster->member_rows[slot]->failures), now);
}

void lb_member_counters_reset(const lb_cluster_t *cluster, const proxy_worker *member)
{
    const apr_time_t now = fcgi_now();

    lb_member_counters_fold_bytes(cluster);
    if (member) {
        reset_slot(cluster, member->s->index, now);
        return;
    }
    lb_counters_reset_balancer(lb_member_counters_of_balancer(cluster), now);
    for (int slot = 0; slot < cluster->slots; slot++) {
        reset_slot(cluster, slot, now);
    }
}
