/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* connection_counts.c - see connection_counts.h. */
#include "connection_counts.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "apr_shm.h"
#include "clock.h"
#include "name_hash.h"
#include "robust_lock.h"

#define ADDRESSES 256
#define KINDS     3

typedef struct {
    _Atomic uint64_t key;                  /* hash of the address; 0 = free */
    _Atomic int32_t total[KINDS];
} entry_t;
static_assert(sizeof(entry_t) == 24, "shared memory");

typedef struct {
    pthread_mutex_t life;                  /* held by the process as long as it lives */
    _Atomic uint32_t is_used;
    _Atomic int32_t added[ADDRESSES][KINDS];
} row_t;

typedef struct {
    entry_t entries[ADDRESSES];
    int32_t rows;
    _Atomic int64_t buried_at;             /* monotonic us */
    row_t row[];
} table_t;

static const char table_key[] = "proxy_fastcgi.connection_counts.1";

static table_t *table;
static row_t *own;

static int make_table(table_t *t, apr_size_t bytes, int rows)
{
    int rv = 0;

    memset(t, 0, bytes);
    t->rows = rows;
    for (int i = 0; i < rows && rv == 0; i++) {
        rv = fcgi_robust_lock_init(&t->row[i].life);
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
    const apr_size_t bytes = sizeof(table_t) + (apr_size_t)processes * sizeof(row_t);
    apr_status_t rv = apr_shm_create(&shm, bytes, NULL, process);
    if (rv == APR_SUCCESS) {
        rv = make_table(apr_shm_baseaddr_get(shm), bytes, processes);
    }
    if (rv == APR_SUCCESS) {
        table = apr_shm_baseaddr_get(shm);
        /* with a copy of the key: a restart unloads this module */
        apr_pool_userdata_set(table, table_key, NULL, process);
    }
    return rv;
}

/* Take back all that a row has added; its `life` is held by the caller. */
static void clear_row(row_t *row)
{
    for (int a = 0; a < ADDRESSES; a++) {
        for (int kind = 0; kind < KINDS; kind++) {
            const int32_t left = atomic_exchange(&row->added[a][kind], 0);
            if (left != 0) {
                atomic_fetch_sub(&table->entries[a].total[kind], left);
            }
        }
    }
    atomic_store(&row->is_used, 0);
}

/* returns  true with its `life` held, when nobody lives in this row */
static bool enter_row(row_t *row)
{
    const fcgi_lock_t lock = fcgi_robust_lock_try(&row->life);

    if (lock == FCGI_LOCK_OURS_OF_DEAD) {
        clear_row(row);
    }
    return lock != FCGI_LOCK_HELD;
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
            own = &table->row[i];
            atomic_store(&own->is_used, 1);
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
        if (atomic_compare_exchange_strong(&table->entries[i].key, &held_by, key)
            || held_by == key) {
            return i;
        }
    }
    return -1;
}

void fcgi_connection_counts_add(int address, fcgi_connection_counts_t what, int by)
{
    if (address >= 0 && own) {
        atomic_fetch_add(&own->added[address][what], by);
        atomic_fetch_add(&table->entries[address].total[what], by);
    }
}

int fcgi_connection_counts_total(int address, fcgi_connection_counts_t what)
{
    const int total = address >= 0 ? atomic_load(&table->entries[address].total[what]) : 0;
    return total > 0 ? total : 0;
}

void fcgi_connection_counts_bury_the_dead(void)
{
    int64_t last = table ? atomic_load(&table->buried_at) : INT64_MAX;
    const int64_t now = fcgi_now();

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
