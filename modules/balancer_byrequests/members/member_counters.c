/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member_counters.c - see member_counters.h. */
#include "member_counters.h"

#include "clock.h"
#include "row_key.h"
#include "samples.h"

lb_balancer_room_t *lb_member_counters_of_balancer(const lb_balancer_t *balancer)
{
    lb_table_t *t = balancer->ledger->table;
    return lb_table_balancer_room(t, lb_table_balancer_index(t, balancer->row));
}

static lb_member_room_t *room_of(const lb_balancer_t *balancer, const lb_member_row_t *row)
{
    lb_table_t *t = balancer->ledger->table;
    return lb_table_member_room(t, lb_table_member_index(t, row));
}

lb_member_room_t *lb_member_counters_of(const lb_member_t *member)
{
    return room_of(member->balancer, member->row);
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
static bool is_owner(const lb_member_t *member)
{
    return atomic_load(&member->row->key)
           == lb_row_key_of_member(member->balancer, member->worker->s);
}

void lb_member_counters_fold_member(const lb_member_t *member)
{
    const proxy_worker_shared *s = member->worker->s;
    lb_slot_t *slot = &member->balancer->roster->slots[s->index];

    if ((is_new(&slot->bytes_sent_seen, &s->transferred)
         || is_new(&slot->bytes_read_seen, &s->read))
        && is_owner(member)) {
        lb_counters_t *counters = &lb_member_counters_of(member)->counters;
        fold(&counters->bytes_sent, &slot->bytes_sent_seen, &s->transferred);
        fold(&counters->bytes_read, &slot->bytes_read_seen, &s->read);
    }
}

void lb_member_counters_fold_bytes(const lb_balancer_t *balancer)
{
    lb_member_t member;

    for (int i = 0; lb_member_next(balancer, &i, &member);) {
        lb_member_counters_fold_member(&member);
    }
}

/* Children of the present generation do not see what mod_proxy counts in those before. */
static bool is_outdated(const lb_balancer_t *balancer)
{
    return atomic_load(&balancer->row->generation) != balancer->generation;
}

void lb_member_counters_fold_try(const lb_member_t *member)
{
    if (is_outdated(member->balancer)) {
        lb_member_counters_fold_member(member);
    }
}

/* ---- Samples --------------------------------------------------------------------------------- */

void lb_member_counters_sample(const lb_balancer_t *balancer)
{
    const apr_time_t now = fc_now();
    lb_balancer_room_t *room = lb_member_counters_of_balancer(balancer);
    uint32_t in_flight = 0, queued = atomic_load(&balancer->row->waiting);
    lb_gain_t gain = { 0 };

    if (is_outdated(balancer)) {    /* it does not know all members */
        lb_member_counters_fold_bytes(balancer);
        return;
    }
    if (!lb_samples_is_due(room, now)) {
        return;
    }
    for (int slot = 0; slot < balancer->slots; slot++) {
        const lb_member_row_t *row = balancer->member_rows[slot];
        lb_samples_mark(room, room_of(balancer, row), &gain);
        in_flight += atomic_load(&row->in_flight);
        queued += atomic_load(&row->waiting);
    }
    lb_samples_add_sample(room, now, &gain, in_flight, queued);
    lb_member_counters_fold_bytes(balancer);
}

/* ---- Beginnings ------------------------------------------------------------------------------ */

static void begin(_Atomic int64_t *counted_since)
{
    int64_t never = 0;
    atomic_compare_exchange_strong(counted_since, &never, fc_now());
}

void lb_member_counters_begin_slot(const lb_balancer_t *balancer, int slot)
{
    begin(&room_of(balancer, balancer->member_rows[slot])->counted_since);
}

void lb_member_counters_begin(const lb_balancer_t *balancer)
{
    begin(&lb_member_counters_of_balancer(balancer)->counted_since);
    for (int slot = 0; slot < balancer->slots; slot++) {
        lb_member_counters_begin_slot(balancer, slot);
    }
}

static void reset(const lb_balancer_t *balancer, const lb_member_row_t *row, apr_time_t now)
{
    lb_member_room_t *room = room_of(balancer, row);

    lb_counters_fold_downtime(room, now);
    /* in this order: of those that are forgotten each was counted before */
    const uint64_t forgotten = atomic_load(&room->forgotten);

    lb_counters_reset_member(room, atomic_load(&row->elected) - forgotten,
                             atomic_load(&row->failures), now);
}

void lb_member_counters_reset_member(const lb_member_t *member)
{
    lb_member_counters_fold_bytes(member->balancer);
    reset(member->balancer, member->row, fc_now());
}

void lb_member_counters_reset_all(const lb_balancer_t *balancer)
{
    const apr_time_t now = fc_now();

    lb_member_counters_fold_bytes(balancer);
    lb_counters_reset_balancer(lb_member_counters_of_balancer(balancer), now);
    for (int slot = 0; slot < balancer->slots; slot++) {
        reset(balancer, balancer->member_rows[slot], now);
    }
}
