/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* roster.c - see roster.h. */
#include "roster.h"

#include "apr_shm.h"
#include "invariant.h"

/* Behind the slots. */
static void give_rows(const lb_roster_t *roster, const apr_array_header_t *sources)
{
    lb_source_row_t *rows = (void *)(roster->slots + roster->count);

    for (int i = 0; i < sources->nelts; i++) {
        APR_ARRAY_IDX(sources, i, lb_source_t).row = &rows[i];
    }
}

lb_roster_t *lb_roster_make(apr_pool_t *pconf, int slots, const apr_array_header_t *configured,
                            const apr_array_header_t *sources)
{
    lb_roster_t *roster = apr_pcalloc(pconf, sizeof(*roster));
    const apr_size_t bytes = (apr_size_t)(slots + 1) * sizeof(lb_slot_t)    /* never none */
                             + (apr_size_t)sources->nelts * sizeof(lb_source_row_t);
    apr_shm_t *shm;

    if (apr_shm_create(&shm, bytes, NULL, pconf) != APR_SUCCESS) {
        return NULL;
    }
    roster->count = slots;
    roster->slots = apr_shm_baseaddr_get(shm);
    memset(roster->slots, 0, bytes);
    roster->seats = apr_pcalloc(pconf, (apr_size_t)slots * sizeof(*roster->seats));
    roster->configured = (const lb_configured_t *)(const void *)configured->elts;
    roster->configured_count = configured->nelts;
    roster->sources = (const lb_source_t *)(const void *)sources->elts;
    roster->source_count = sources->nelts;
    give_rows(roster, sources);
    return roster;
}

void lb_roster_seat(lb_roster_t *roster, proxy_worker *worker, uint32_t origin)
{
    roster->seats[worker->s->index].worker = worker;
    atomic_store(&roster->slots[worker->s->index].origin, origin);
}

/* With memory of its own: members are also made in threads that prefork's pools know nothing of. */
static void make_pool(lb_roster_t *roster, apr_pool_t *pchild)
{
    apr_allocator_t *allocator;
    apr_thread_mutex_t *lock;

    if (apr_allocator_create(&allocator) != APR_SUCCESS) {
        ap_abort_on_oom();
    }
    apr_pool_create_ex(&roster->pool, pchild, NULL, allocator);
    apr_allocator_owner_set(allocator, roster->pool);
    apr_pool_tag(roster->pool, "balancer_roster");
    if (apr_thread_mutex_create(&lock, APR_THREAD_MUTEX_DEFAULT, roster->pool) == APR_SUCCESS) {
        apr_allocator_mutex_set(allocator, lock);
    }
}

void lb_roster_child_init(lb_roster_t *roster, apr_pool_t *pchild)
{
    if (!roster->pool) {
        make_pool(roster, pchild);
    }
}

bool lb_roster_lists(const lb_roster_t *roster, const proxy_worker *worker)
{
    return roster->seats[worker->s->index].worker == worker;
}

bool lb_roster_admits(const lb_roster_t *roster, const proxy_worker *worker)
{
    const lb_seat_t *seat = &roster->seats[worker->s->index];
    const lb_slot_t *slot = &roster->slots[worker->s->index];

    return seat->worker == worker && seat->generation == atomic_load(&slot->generation)
           && atomic_load(&slot->leaves_since) == 0;
}

bool lb_roster_leaves(const lb_roster_t *roster, const proxy_worker *worker)
{
    return atomic_load(&roster->slots[worker->s->index].leaves_since) != 0;
}

const lb_configured_t *lb_roster_configured(const lb_roster_t *roster, int slot)
{
    const uint32_t origin = atomic_load(&roster->slots[slot].origin);

    return origin > 0 && origin <= (uint32_t)roster->configured_count
               ? &roster->configured[origin - 1]
               : NULL;
}

const lb_source_t *lb_roster_source(const lb_roster_t *roster, int slot)
{
    const uint32_t origin = atomic_load(&roster->slots[slot].origin);
    const uint32_t first = (uint32_t)roster->configured_count + 1;

    return origin >= first && origin - first < (uint32_t)roster->source_count
               ? &roster->sources[origin - first]
               : NULL;
}

uint32_t lb_roster_origin_of(const lb_roster_t *roster, const lb_source_t *source)
{
    return (uint32_t)roster->configured_count + 1 + (uint32_t)(source - roster->sources);
}

/* ---- Taking over what another process changed ------------------------------------------------ */

/* The entry of this slot's former owner, else a new one. */
static void enter(proxy_balancer *proxy, proxy_worker *worker)
{
    for (int i = 0; i < proxy->workers->nelts; i++) {
        proxy_worker *other = APR_ARRAY_IDX(proxy->workers, i, proxy_worker *);
        if (other && other->s == worker->s) {
            __atomic_store_n(&APR_ARRAY_IDX(proxy->workers, i, proxy_worker *), worker,
                             __ATOMIC_RELEASE);
            return;
        }
    }
    /* startup.c made room: the array does not move, and the entry is NULL until it is set */
    APR_ARRAY_PUSH(proxy->workers, proxy_worker *) = worker;
}

static ap_conf_vector_t *section_config_of(const lb_roster_t *roster, int slot,
                                           const proxy_balancer *proxy)
{
    const lb_configured_t *configured = lb_roster_configured(roster, slot);
    const lb_source_t *source = lb_roster_source(roster, slot);

    return configured ? configured->worker->section_config
           : source   ? source->template->section_config
                      : proxy->section_config;
}

/* returns  NULL when it cannot be initialised; mod_proxy has said why */
static proxy_worker *make_worker(lb_roster_t *roster, proxy_balancer *proxy, int slot,
                                 proxy_worker_shared *shared, server_rec *s)
{
    proxy_worker *worker = apr_pcalloc(roster->pool, sizeof(*worker));

    worker->hash = shared->hash;
    worker->balancer = proxy;
    worker->s = shared;
    worker->section_config = section_config_of(roster, slot, proxy);
    return ap_proxy_initialize_worker(worker, s, roster->pool) == APR_SUCCESS ? worker : NULL;
}

static void sync_slot(lb_roster_t *roster, proxy_balancer *proxy, int slot, server_rec *s)
{
    lb_seat_t *seat = &roster->seats[slot];
    const uint32_t generation = atomic_load(&roster->slots[slot].generation);
    proxy_worker_shared *shared;

    if (generation == seat->generation || generation % 2
        || proxy->storage->dptr(proxy->wslot, (unsigned int)slot, (void **)&shared)
               != APR_SUCCESS) {
        return;
    }
    /* Who reads the seat meanwhile finds that its generation is not the slot's, or no member. */
    seat->worker = NULL;
    seat->generation = generation;
    if (shared->hash.def || shared->hash.fnv) {
        proxy_worker *worker = make_worker(roster, proxy, slot, shared, s);
        if (worker) {
            enter(proxy, worker);
            __atomic_store_n(&seat->worker, worker, __ATOMIC_RELEASE);
        }
    }
}

void lb_roster_sync(lb_roster_t *roster, proxy_balancer *proxy, server_rec *s)
{
    for (int slot = 0; slot < roster->count; slot++) {
        sync_slot(roster, proxy, slot, s);
    }
    lb_roster_check(roster);
}

void lb_roster_check(const lb_roster_t *roster)
{
    for (int slot = 0; FC_IS_CHECKED && slot < roster->count; slot++) {
        const lb_seat_t *seat = &roster->seats[slot];
        FC_INVARIANT(seat->generation % 2 == 0);    /* never taken over while it was written */
        FC_INVARIANT(seat->generation <= atomic_load(&roster->slots[slot].generation));
        FC_INVARIANT(!seat->worker || seat->worker->s->index == slot);
        FC_INVARIANT(atomic_load(&roster->slots[slot].origin)
                     <= (uint32_t)(roster->configured_count + roster->source_count));
    }
}
