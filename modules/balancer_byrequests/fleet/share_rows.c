/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* share_rows.c - see share_rows.h. */
#include "share_rows.h"

#include "clock.h"
#include "fleet_settings.h"
#include "gate.h"
#include "name_hash.h"

/* ---- Rows ------------------------------------------------------------------------------------ */

static lb_table_t *table_of(const lb_share_place_t *place)
{
    return place->member.balancer->ledger->table;
}

/* returns  did it get more? */
static bool write_row(lb_share_place_t *place, lb_share_member_t *member, int64_t now)
{
    const uint32_t before = lb_table_share_of(place->member.row);

    member->in_flight = lb_ledger_set_part(table_of(place), lb_member_index(&place->member),
                                           member->share, member->floor, member->until);
    atomic_store(&place->member.row->part.is_new, member->is_new);
    place->written_share = member->share;
    place->written_floor = member->floor;
    place->written_until = member->until;
    return lb_share_now(member, now) > before;
}

static void read_row(lb_share_place_t *place, lb_share_member_t *member)
{
    const lb_share_row_t *part = &place->member.row->part;

    member->share = place->written_share = atomic_load(&part->share);
    member->floor = place->written_floor = atomic_load(&part->floor);
    member->until = place->written_until = atomic_load(&part->until);
    member->is_new = atomic_load(&part->is_new) != 0;
}

static bool is_as_written(const lb_share_place_t *place)
{
    const lb_share_row_t *part = &place->member.row->part;

    return place->written_share == atomic_load(&part->share)
           && place->written_floor == atomic_load(&part->floor)
           && place->written_until == atomic_load(&part->until);
}

void lb_share_rows_write(const lb_share_rows_t *rows, lb_share_front_t *front)
{
    const int64_t now = fc_now();

    for (size_t i = 0; i < front->count; i++) {
        if (write_row(&rows->places[i], &front->members[i], now)) {
            lb_gate_serve(rows->places[i].member.balancer);
        }
    }
}

/* ---- The members ----------------------------------------------------------------------------- */

/* Who is there now, beside who was there before. */
typedef struct {
    lb_share_rows_t *rows;
    lb_share_front_t *front;
    const apr_array_header_t *kept;
    const lb_share_member_t *before;
    size_t count_before;
    const lb_share_place_t *places_before;
    bool is_stale;
} listing_t;

/* The same for all fronts that have the same configuration. */
static uint64_t key_of(const lb_member_t *member)
{
    const lb_balancer_t *balancer = member->balancer;
    const proxy_worker_shared *s = member->worker->s;
    const uint64_t key = fc_name_hash(fc_name_hash(FC_NAME_HASH_START, balancer->vhost),
                                      balancer->proxy->s->name);

    return fc_name_hash(fc_name_hash(key, s->uds_path), s->name_ex);
}

static uint32_t kept_floor(const apr_array_header_t *kept, uint64_t key)
{
    for (int i = 0; i < kept->nelts; i++) {
        const lb_share_told_t *told = &APR_ARRAY_IDX(kept, i, lb_share_told_t);
        if (told->member == key) {
            return told->floor;
        }
    }
    return 0;
}

/* httpd was started: what it had lent before, nobody knows. */
static void begin_row(const listing_t *listing, lb_share_member_t *member, int64_t now)
{
    const lb_share_front_t *front = listing->front;

    if (member->share == 0 && member->floor == 0 && member->until == 0) {
        member->floor = kept_floor(listing->kept, member->key);
        member->until = now + front->lease + front->margin;
        member->is_new = true;
    }
}

static const lb_share_member_t *find_before(const listing_t *listing, uint64_t key)
{
    for (size_t i = 0; i < listing->count_before; i++) {
        if (listing->before[i].key == key) {
            return &listing->before[i];
        }
    }
    return NULL;
}

static void add_member(listing_t *listing, const lb_member_t *member)
{
    lb_share_front_t *front = listing->front;
    const uint32_t limit = lb_table_limit_of(member->row);

    if (limit == 0 || !atomic_load(&member->row->is_shared)) {
        return;
    }
    const uint64_t key = key_of(member);
    const lb_share_member_t *same = find_before(listing, key);
    lb_share_place_t *place = &listing->rows->places[front->count];
    lb_share_member_t *added = &front->members[front->count];

    *added = same ? *same : (lb_share_member_t){ .key = key };
    *place = same ? listing->places_before[same - listing->before] : (lb_share_place_t){ 0 };
    place->member = *member;
    if (!same || !is_as_written(place)) {
        listing->is_stale |= same != NULL;
        read_row(place, added);
        begin_row(listing, added, fc_now());
    }
    added->limit = limit;
    added->in_flight = atomic_load(&member->row->in_flight);
    added->want = added->in_flight + atomic_load(&member->row->waiting) + 1;
    front->count++;
}

/* Those who wait for any member are wanted by each as its part of them. */
static void add_waiting(lb_share_front_t *front, const lb_balancer_t *balancer, size_t first)
{
    const uint32_t members = (uint32_t)(front->count - first);
    const uint32_t waiting = atomic_load(&balancer->row->waiting);

    for (size_t i = first; i < front->count; i++) {
        front->members[i].want += (waiting + members - 1) / members;
    }
}

static bool is_shared(const lb_balancer_t *balancer)
{
    return balancer->owner == balancer
           && lb_fleet_settings_shares(balancer->settings->fleet, LB_FLEET_LIMITS);
}

size_t lb_share_rows_slots(void)
{
    const apr_array_header_t *all = lb_balancer_all();
    size_t n = 0;

    for (int i = 0; i < all->nelts; i++) {
        const lb_balancer_t *balancer = APR_ARRAY_IDX(all, i, lb_balancer_t *);
        n += is_shared(balancer) ? (size_t)balancer->slots : 0;
    }
    return n;
}

static void add_members(listing_t *listing, const lb_balancer_t *balancer, size_t slots)
{
    lb_share_front_t *front = listing->front;
    const size_t first = front->count;
    lb_member_t member;

    for (int i = 0; front->count < slots && lb_member_next(balancer, &i, &member);) {
        add_member(listing, &member);
    }
    if (front->count > first) {
        add_waiting(front, balancer, first);
    }
}

bool lb_share_rows_list(lb_share_rows_t *rows, lb_share_front_t *front,
                        const apr_array_header_t *kept)
{
    const apr_array_header_t *all = lb_balancer_all();
    const size_t slots = lb_share_rows_slots();
    apr_pool_t *p_before = rows->p;
    listing_t listing = { .rows = rows,
                          .front = front,
                          .kept = kept,
                          .before = front->members,
                          .count_before = front->count,
                          .places_before = rows->places };

    apr_pool_create(&rows->p, NULL);
    front->members = apr_pcalloc(rows->p, (slots + 1) * sizeof(lb_share_member_t));
    front->telling = apr_pcalloc(rows->p, (slots + 1) * sizeof(lb_share_told_t));
    rows->places = apr_pcalloc(rows->p, (slots + 1) * sizeof(lb_share_place_t));
    front->count = 0;
    for (int i = 0; i < all->nelts; i++) {
        const lb_balancer_t *balancer = APR_ARRAY_IDX(all, i, lb_balancer_t *);
        if (is_shared(balancer)) {
            add_members(&listing, balancer, slots);
        }
    }
    front->is_changed |= front->count < listing.count_before;    /* their floors are not kept */
    if (p_before) {
        apr_pool_destroy(p_before);
    }
    return !listing.is_stale;
}
