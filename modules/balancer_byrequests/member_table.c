/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member_table.c - see member_table.h. */
#include "member_table.h"

#include <string.h>

static lb_balancer_row_t *balancer_rows(lb_table_t *t)
{
    return (lb_balancer_row_t *)(t + 1);
}

static lb_member_row_t *member_rows(lb_table_t *t)
{
    return (lb_member_row_t *)(balancer_rows(t) + t->balancer_count);
}

size_t lb_table_bytes(uint32_t balancers, uint32_t members)
{
    return sizeof(lb_table_t) + balancers * sizeof(lb_balancer_row_t)
           + members * sizeof(lb_member_row_t);
}

lb_table_t *lb_table_init(void *memory, uint32_t balancers, uint32_t members)
{
    lb_table_t *t = memory;
    memset(memory, 0, lb_table_bytes(balancers, members));
    t->version = LB_TABLE_VERSION;
    t->balancer_count = balancers;
    t->member_count = members;
    t->magic = LB_TABLE_MAGIC;
    return t;
}

/* Both kinds of row start with their key.
 * returns  the row of this key, else the first free one, else NULL */
static void *find_row(void *rows, uint32_t count, size_t row_bytes, uint64_t key)
{
    static_assert(offsetof(lb_balancer_row_t, key) == 0 && offsetof(lb_member_row_t, key) == 0,
                  "find_row reads the key at the start of a row");
    unsigned char *row = rows;
    void *free_row = NULL;

    for (uint32_t i = 0; i < count; i++, row += row_bytes) {
        const uint64_t held_by = atomic_load((_Atomic uint64_t *)(void *)row);
        if (held_by == key) {
            return row;
        }
        if (held_by == 0 && !free_row) {
            free_row = row;
        }
    }
    return free_row;
}

lb_balancer_row_t *lb_table_claim_balancer(lb_table_t *t, uint64_t key, uint32_t generation)
{
    lb_balancer_row_t *row =
        find_row(balancer_rows(t), t->balancer_count, sizeof(*row), key);
    if (!row) {
        return NULL;
    }
    if (atomic_load(&row->key) == 0) {
        atomic_store(&row->clock, 0);
        atomic_store(&row->key, key);
    }
    atomic_store(&row->generation, generation);
    return row;
}

lb_member_row_t *lb_table_claim_member(lb_table_t *t, uint64_t key, uint32_t generation)
{
    lb_member_row_t *row =
        find_row(member_rows(t), t->member_count, sizeof(*row), key);
    if (!row) {
        return NULL;
    }
    if (atomic_load(&row->key) == 0) {
        lb_table_reset_member(row);
        atomic_store(&row->in_flight, 0);
        atomic_store(&row->key, key);
    }
    atomic_store(&row->generation, generation);
    return row;
}

void lb_table_sweep(lb_table_t *t, uint32_t generation)
{
    lb_balancer_row_t *balancers = balancer_rows(t);
    lb_member_row_t *members = member_rows(t);

    for (uint32_t i = 0; i < t->balancer_count; i++) {
        if (atomic_load(&balancers[i].generation) + 1 < generation) {
            atomic_store(&balancers[i].key, 0);
        }
    }
    for (uint32_t i = 0; i < t->member_count; i++) {
        if (atomic_load(&members[i].generation) + 1 < generation
            && atomic_load(&members[i].in_flight) == 0) {
            atomic_store(&members[i].key, 0);
        }
    }
}

void lb_table_reset_member(lb_member_row_t *row)
{
    /* Not in_flight: its tickets give back what they took. */
    atomic_store(&row->pass, 0);
    atomic_store(&row->elected, 0);
    atomic_store(&row->failures, 0);
    atomic_store(&row->last_error_at, 0);
    atomic_store(&row->last_error, 0);
    atomic_store(&row->busy_until, 0);
    memset(&row->strikes, 0, sizeof(row->strikes));
}
