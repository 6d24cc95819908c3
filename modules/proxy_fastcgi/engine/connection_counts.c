/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* connection_counts.c - see connection_counts.h. */
#include "connection_counts.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "apr_shm.h"
#include "clock.h"
#include "invariant.h"
#include "name_hash.h"
#include "robust_lock.h"

#define ADDRESSES 256
#define KINDS     3

typedef struct {
    pthread_mutex_t life;                  /* held by the process as long as it lives */
    _Atomic uint32_t is_used;
} row_t;

typedef struct {
    _Atomic uint64_t key[ADDRESSES];       /* hash of the address; 0 = free */
    int32_t rows;
    _Atomic int32_t rows_used;             /* no row from here on was ever taken */
    _Atomic int64_t buried_at;             /* monotonic us */
    row_t row[];                           /* behind them `added`, see cells() */
} table_t;
static_assert(sizeof(table_t) == 8 * ADDRESSES + 16, "shared memory");

static const char table_key[] = "proxy_fastcgi.connection_counts.2";

static table_t *table;
static row_t *own;

/* What the processes have added of one kind at one address: a cell for each row, side by side,
 * because a total looks at all of them. */
static _Atomic int32_t *cells(int address, int kind)
{
    _Atomic int32_t *added = (_Atomic int32_t *)(void *)(table->row + table->rows);
    return added + ((size_t)address * KINDS + (size_t)kind) * (size_t)table->rows;
}

static size_t table_bytes(int rows)
{
    return sizeof(table_t)
           + (size_t)rows * (sizeof(row_t) + ADDRESSES * KINDS * sizeof(_Atomic int32_t));
}

static int make_table(table_t *t, int rows)
{
    int rv = 0;

    memset(t, 0, table_bytes(rows));
    t->rows = rows;
    for (int i = 0; i < rows && rv == 0; i++) {
        rv = fc_robust_lock_init(&t->row[i].life);
    }
    return rv;
}

apr_status_t fcgi_connection_counts_open(apr_pool_t *process, int processes)
{
    void *found = NULL;
    apr_shm_t *shm;

    processes = 2 * processes + 8;    /* the dead keep their rows until somebody notices */
    apr_pool_userdata_get(&found, table_key, process);
    if (found && ((table_t *)found)->rows >= processes) {
        table = found;
        return APR_SUCCESS;
    }
    apr_status_t rv = apr_shm_create(&shm, table_bytes(processes), NULL, process);
    if (rv == APR_SUCCESS) {
        rv = make_table(apr_shm_baseaddr_get(shm), processes);
    }
    if (rv == APR_SUCCESS) {
        table = apr_shm_baseaddr_get(shm);
        /* with a copy of the key: a restart unloads this module */
        apr_pool_userdata_set(table, table_key, NULL, process);
    }
    return rv;
}

/* Forget all that a row has added; its `life` is held by the caller. */
static void clear_row(row_t *row)
{
    for (int a = 0; a < ADDRESSES; a++) {
        for (int kind = 0; kind < KINDS; kind++) {
            atomic_store(&cells(a, kind)[row - table->row], 0);
        }
    }
    atomic_store(&row->is_used, 0);
}

/* returns  true with its `life` held, when nobody lives in this row */
static bool enter_row(row_t *row)
{
    const fc_lock_t lock = fc_robust_lock_try(&row->life);

    if (lock == FC_LOCK_OURS_OF_DEAD) {
        clear_row(row);
    }
    return lock != FC_LOCK_HELD;
}

/* With its `life` held. */
static void take_row(row_t *row)
{
    const int32_t used = (int32_t)(row - table->row) + 1;
    int32_t before = atomic_load(&table->rows_used);

    while (before < used
           && !atomic_compare_exchange_weak(&table->rows_used, &before, used)) {
    }
    atomic_store(&row->is_used, 1);
    own = row;
}

static apr_status_t leave(void *row)
{
    if (own == row) {
        own = NULL;
        clear_row(row);
        pthread_mutex_unlock(&((row_t *)row)->life);
    }
    return APR_SUCCESS;
}

void fcgi_connection_counts_join(apr_pool_t *pchild)
{
    for (int i = 0; i < table->rows && !own; i++) {
        if (enter_row(&table->row[i])) {
            take_row(&table->row[i]);
        }
    }
    if (own) {    /* without a row this process counts nothing: its connections are just not seen */
        apr_pool_cleanup_register(pchild, own, leave, apr_pool_cleanup_null);
    }
}

int fcgi_connection_counts_find(const char *address)
{
    const uint64_t key = fc_name_hash3(address, "", "");

    for (int i = 0; table && i < ADDRESSES; i++) {
        uint64_t held_by = 0;
        if (atomic_compare_exchange_strong(&table->key[i], &held_by, key) || held_by == key) {
            return i;
        }
    }
    return table ? (int)(key % ADDRESSES) : -1;
}

void fcgi_connection_counts_add(int address, fcgi_connection_counts_t what, int by)
{
    const row_t *row = own;

    if (address >= 0 && row) {
        const int32_t before = atomic_fetch_add(&cells(address, (int)what)[row - table->row], by);
        FC_INVARIANT(before + by >= 0 || own != row);    /* or all of it was cleared: we leave */
    }
}

int fcgi_connection_counts_total(int address, fcgi_connection_counts_t what)
{
    int total = 0;

    if (address >= 0) {
        const _Atomic int32_t *added = cells(address, (int)what);
        const int32_t used = atomic_load(&table->rows_used);
        for (int32_t i = 0; i < used; i++) {
            total += atomic_load_explicit(&added[i], memory_order_relaxed);
        }
    }
    return total;
}

int fcgi_connection_counts_own(int address, fcgi_connection_counts_t what)
{
    const row_t *row = own;
    return address >= 0 && row ? atomic_load(&cells(address, (int)what)[row - table->row]) : -1;
}

void fcgi_connection_counts_bury_the_dead(void)
{
    int64_t last = table ? atomic_load(&table->buried_at) : INT64_MAX;
    const int64_t now = fc_now();

    if (now - last < 1000000 || !table
        || !atomic_compare_exchange_strong(&table->buried_at, &last, now)) {
        return;
    }
    for (int i = 0; i < table->rows; i++) {
        row_t *row = &table->row[i];
        if (atomic_load(&row->is_used) && enter_row(row)) {
            pthread_mutex_unlock(&row->life);
        }
    }
}
