/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* occupancy.c - see occupancy.h. */
#include "occupancy.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "apr_shm.h"
#include "wait.h"

#define ADDRESSES 256
#define KINDS     3

typedef struct {
    _Atomic uint64_t key;                  /* hash of the address; 0 = free */
    _Atomic int32_t total[KINDS];
} entry_t;
static_assert(sizeof(entry_t) == 24, "shared memory");

typedef struct {
    _Atomic int32_t pid;                   /* 0 = free */
    _Atomic int32_t added[ADDRESSES][KINDS];
} row_t;

typedef struct {
    entry_t entries[ADDRESSES];
    int32_t rows;
    _Atomic int64_t buried_at;             /* monotonic us */
    row_t row[];
} table_t;

static const char table_key[] = "proxy_fastcgi.occupancy.2";

static table_t *table;
static row_t *own;

apr_status_t fcgi_occupancy_open(apr_pool_t *process, int processes)
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
    const apr_status_t rv = apr_shm_create(&shm, bytes, NULL, process);
    if (rv == APR_SUCCESS) {
        table = apr_shm_baseaddr_get(shm);
        memset(table, 0, bytes);
        table->rows = processes;
        /* with a copy of the key: a restart unloads this module */
        apr_pool_userdata_set(table, table_key, NULL, process);
    }
    return rv;
}

/* Take back all that a row has added, and free it. */
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
    atomic_store(&row->pid, 0);
}

static apr_status_t leave(void *row)
{
    if (own == row) {
        own = NULL;
        clear_row(row);
    }
    return APR_SUCCESS;
}

void fcgi_occupancy_join(apr_pool_t *pchild)
{
    atomic_store(&table->buried_at, 0);
    fcgi_occupancy_bury_the_dead();
    for (int i = 0; i < table->rows && !own; i++) {
        int32_t nobody = 0;
        if (atomic_compare_exchange_strong(&table->row[i].pid, &nobody, (int32_t)getpid())) {
            own = &table->row[i];
        }
    }
    if (own) {    /* without a row this process counts nothing: its connections are just not seen */
        apr_pool_cleanup_register(pchild, own, leave, apr_pool_cleanup_null);
    }
}

/* FNV-1a; never 0. */
static uint64_t key_of(const char *address)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (const char *c = address; *c; c++) {
        h = (h ^ (unsigned char)*c) * UINT64_C(1099511628211);
    }
    return h ? h : 1;
}

int fcgi_occupancy_find(const char *address)
{
    const uint64_t key = key_of(address);

    for (int i = 0; table && i < ADDRESSES; i++) {
        uint64_t held_by = 0;
        if (atomic_compare_exchange_strong(&table->entries[i].key, &held_by, key)
            || held_by == key) {
            return i;
        }
    }
    return -1;
}

void fcgi_occupancy_add(int address, fcgi_occupancy_t what, int by)
{
    if (address >= 0 && own) {
        atomic_fetch_add(&own->added[address][what], by);
        atomic_fetch_add(&table->entries[address].total[what], by);
    }
}

int fcgi_occupancy_total(int address, fcgi_occupancy_t what)
{
    const int total = address >= 0 ? atomic_load(&table->entries[address].total[what]) : 0;
    return total > 0 ? total : 0;
}

void fcgi_occupancy_bury_the_dead(void)
{
    int64_t last = table ? atomic_load(&table->buried_at) : INT64_MAX;
    const int64_t now = fcgi_now();

    if (now - last < 1000000 || !table
        || !atomic_compare_exchange_strong(&table->buried_at, &last, now)) {
        return;
    }
    for (int i = 0; i < table->rows; i++) {
        int32_t pid = atomic_load(&table->row[i].pid);
        if (pid > 0 && kill(pid, 0) != 0 && errno == ESRCH
            && atomic_compare_exchange_strong(&table->row[i].pid, &pid, -1)) {
            clear_row(&table->row[i]);
        }
    }
}
