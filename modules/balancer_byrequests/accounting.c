/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* accounting.c - see accounting.h. */
#include "accounting.h"

#include "clock.h"
#include "past.h"
#include "table_set.h"

lb_balancer_room_t *lb_accounting_room(const lb_cluster_t *cluster)
{
    lb_table_t *t = cluster->ledger->table;
    return lb_table_balancer_room(t, lb_table_balancer_index(t, cluster->row));
}

lb_member_room_t *lb_accounting_member_room(const lb_cluster_t *cluster, int slot)
{
    lb_table_t *t = cluster->ledger->table;
    return lb_table_member_room(t, lb_table_member_index(t, cluster->member_rows[slot]));
}

static lb_member_room_t *room_of(const lb_ticket_t *ticket)
{
    return lb_accounting_member_room(lb_cluster_of(ticket->balancer),
                                     ticket->member->s->index);
}

/* ---- Requests -------------------------------------------------------------------------------- */

void lb_accounting_add_try(const lb_ticket_t *ticket, lb_outcome_t outcome,
                           const lb_measures_t *measures)
{
    lb_measures_add_try(room_of(ticket), outcome, measures);
}

void lb_accounting_add_other_scheme(const lb_ticket_t *ticket, lb_outcome_t outcome,
                                    int http_status)
{
    const lb_measures_t measures = { .http_status = http_status, .connect = -1, .first_byte = -1,
                                     .whole = fcgi_now() - ticket->held_at };

    lb_measures_add_try(room_of(ticket), outcome, &measures);
}

void lb_accounting_add_wait(lb_ticket_t *ticket)
{
    if (ticket->queued > ticket->queued_before) {
        lb_measures_add_wait(room_of(ticket), ticket->queued - ticket->queued_before);
        ticket->queued_before = ticket->queued;
    }
}

void lb_accounting_add_refusal(const lb_ticket_t *ticket, lb_outcome_t outcome)
{
    lb_measures_add_refusal(lb_accounting_room(lb_cluster_of(ticket->balancer)), outcome);
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
           == lb_table_set_member_key(cluster, member->s);
}

void lb_accounting_fold_member(const lb_cluster_t *cluster, const proxy_worker *member)
{
    const proxy_worker_shared *s = member->s;
    lb_slot_t *slot = &cluster->roster->slots[s->index];

    if ((is_new(&slot->bytes_sent_seen, &s->transferred)
         || is_new(&slot->bytes_read_seen, &s->read))
        && is_owner(cluster, member)) {
        lb_counters_t *counters = &lb_accounting_member_room(cluster, s->index)->counters;
        fold(&counters->bytes_sent, &slot->bytes_sent_seen, &s->transferred);
        fold(&counters->bytes_read, &slot->bytes_read_seen, &s->read);
    }
}

void lb_accounting_fold_bytes(const lb_cluster_t *cluster)
{
    const proxy_balancer *b = cluster->balancer;

    for (int i = 0; i < b->workers->nelts; i++) {
        const proxy_worker *member = lb_cluster_member(b, i);
        if (member) {
            lb_accounting_fold_member(cluster, member);
        }
    }
}

/* ---- Samples --------------------------------------------------------------------------------- */

void lb_accounting_sample(const lb_cluster_t *cluster)
{
    const apr_time_t now = fcgi_now();
    lb_balancer_room_t *room = lb_accounting_room(cluster);
    uint32_t in_flight = 0, queued = atomic_load(&cluster->row->waiting);
    lb_gain_t gain = { 0 };

    /* children of the generation before do not know all members */
    if (atomic_load(&cluster->row->generation) != cluster->generation
        || !lb_past_is_due(room, now)) {
        return;
    }
    for (int slot = 0; slot < cluster->slots; slot++) {
        const lb_member_row_t *row = cluster->member_rows[slot];
        lb_past_mark(room, lb_accounting_member_room(cluster, slot), &gain);
        in_flight += atomic_load(&row->in_flight);
        queued += atomic_load(&row->waiting);
    }
    lb_past_add_sample(room, now, &gain, in_flight, queued);
    lb_accounting_fold_bytes(cluster);
}

/* ---- Beginnings ------------------------------------------------------------------------------ */

static void begin(_Atomic int64_t *counted_since)
{
    int64_t never = 0;
    atomic_compare_exchange_strong(counted_since, &never, fcgi_now());
}

void lb_accounting_begin_member(const lb_cluster_t *cluster, int slot)
{
    begin(&lb_accounting_member_room(cluster, slot)->counted_since);
}

void lb_accounting_begin(const lb_cluster_t *cluster)
{
    begin(&lb_accounting_room(cluster)->counted_since);
    for (int slot = 0; slot < cluster->slots; slot++) {
        lb_accounting_begin_member(cluster, slot);
    }
}

uint64_t lb_accounting_elected(const lb_cluster_t *cluster, int slot)
{
    const lb_member_room_t *room = lb_accounting_member_room(cluster, slot);
    /* in this order: of those that are forgotten each was counted before */
    const uint64_t forgotten = atomic_load(&room->forgotten);
    return atomic_load(&cluster->member_rows[slot]->elected) - forgotten;
}

static void reset_slot(const lb_cluster_t *cluster, int slot, apr_time_t now)
{
    lb_measures_reset_member(lb_accounting_member_room(cluster, slot),
                             lb_accounting_elected(cluster, slot),
                             atomic_load(&cluster->member_rows[slot]->failures), now);
}

void lb_accounting_reset(const lb_cluster_t *cluster, const proxy_worker *member)
{
    const apr_time_t now = fcgi_now();

    lb_accounting_fold_bytes(cluster);
    if (member) {
        reset_slot(cluster, member->s->index, now);
        return;
    }
    lb_measures_reset_balancer(lb_accounting_room(cluster), now);
    for (int slot = 0; slot < cluster->slots; slot++) {
        reset_slot(cluster, slot, now);
    }
}
