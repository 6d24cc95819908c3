/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* pool.c - see pool.h. */
#include "pool.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "apr_thread_mutex.h"
#include "clock.h"
#include "connection_counts.h"
#include "housekeeper.h"
#include "invariant.h"

#define GRACE_US      (100 * 1000)    /* of kept connections beyond keepidle */
#define REAPER_BEAT_US (50 * 1000)    /* while anything is kept */
#define A_MOMENT_AGO_US (100 * 1000)  /* so new an idle connection is hardly ever closed */
#define DOUBT_US       apr_time_from_sec(10)    /* after one was */

struct fcgi_pool_t {
    apr_thread_mutex_t *lock;       /* guards all below */
    fcgi_pool_place_t *first, **end;    /* of those who wait for a right, in their order */
    fcgi_pool_limits_t limits;
    fcgi_connection_t *kept;        /* the one used last is first, so the oldest are at the end */
    int kept_count;
    int in_use;
    apr_time_t doubted_until;       /* monotonic us: nobody takes a connection without a look */
    fcgi_pool_t *next;              /* of all pools of this process; see reaper */
};

/* The task that closes what was kept for too long. */
static struct {
    pthread_mutex_t lock;           /* guards `pools`; it is taken before a pool's own */
    fcgi_pool_t *pools;
    fc_task_t task;                 /* its keeper is NULL: there is no such task */
    bool is_idle;                   /* nothing is kept */
} reaper = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void close_list(fcgi_connection_t *list)
{
    while (list) {
        fcgi_connection_t *next = list->next_kept;
        fcgi_connection_close(&list);
        list = next;
    }
}

/* ---- Invariants: with the lock held ---------------------------------------------------------- */

static void check_places(const fcgi_pool_t *pool)
{
    fcgi_pool_place_t *const *end = &pool->first;

    for (; *end; end = &(*end)->next) {
        FC_INVARIANT((*end)->is_taken && !(*end)->is_served && (*end)->bell >= 0);
    }
    FC_INVARIANT(end == pool->end);
    FC_INVARIANT(pool->in_use >= 0 && pool->in_use <= pool->limits.max);
    FC_INVARIANT(!pool->first || pool->in_use == pool->limits.max);
}

static void check_kept(const fcgi_pool_t *pool)
{
    const int own = fcgi_connection_counts_own(pool->limits.address, FCGI_COUNT_KEPT);
    int count = 0;

    for (const fcgi_connection_t *c = pool->kept; c; c = c->next_kept) {
        count++;
        FC_INVARIANT(count <= pool->kept_count);    /* else it was kept twice */
        FC_INVARIANT(c->fd >= 0 && c->was_kept);
        FC_INVARIANT(!pool->limits.maxuses || c->uses < pool->limits.maxuses);
        FC_INVARIANT(!c->next_kept || c->next_kept->kept_since <= c->kept_since);
    }
    FC_INVARIANT(count == pool->kept_count);
    FC_INVARIANT(own < 0 || own >= count);    /* other pools may stand for the same address */
}

static void check(const fcgi_pool_t *pool)
{
    if (FC_IS_CHECKED) {
        check_places(pool);
        check_kept(pool);
    }
}

void fcgi_pool_check(fcgi_pool_t *pool)
{
    apr_thread_mutex_lock(pool->lock);
    check(pool);
    apr_thread_mutex_unlock(pool->lock);
}

/* ---- Making and ending ----------------------------------------------------------------------- */

/* Behind it the reaper does not look at the pool any more. At the end of the process there is none,
 * and its list is empty. */
static void unlink_pool(const fcgi_pool_t *pool)
{
    if (!reaper.task.keeper) {
        return;
    }
    pthread_mutex_lock(&reaper.lock);
    fcgi_pool_t **at = &reaper.pools;
    while (*at && *at != pool) {
        at = &(*at)->next;
    }
    if (*at) {
        *at = pool->next;
    }
    pthread_mutex_unlock(&reaper.lock);
}

static apr_status_t end_pool(void *data)
{
    fcgi_pool_t *pool = data;

    unlink_pool(pool);
    fcgi_connection_counts_add(pool->limits.address, FCGI_COUNT_KEPT, -pool->kept_count);
    close_list(pool->kept);
    pool->kept = NULL;
    pool->kept_count = 0;
    return APR_SUCCESS;
}

apr_status_t fcgi_pool_make(fcgi_pool_t **made, const fcgi_pool_limits_t *limits, apr_pool_t *p)
{
    fcgi_pool_t *pool = apr_pcalloc(p, sizeof(*pool));
    pool->limits = *limits;
    pool->end = &pool->first;

    const apr_status_t rv = apr_thread_mutex_create(&pool->lock, APR_THREAD_MUTEX_DEFAULT, p);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    /* before the pools of TLS connections, which lie below p, are gone */
    apr_pool_pre_cleanup_register(p, pool, end_pool);
    if (reaper.task.keeper) {
        pthread_mutex_lock(&reaper.lock);
        pool->next = reaper.pools;
        reaper.pools = pool;
        pthread_mutex_unlock(&reaper.lock);
    }
    *made = pool;
    return APR_SUCCESS;
}

/* ---- The right to a connection --------------------------------------------------------------- */

/* With the lock held: take a place at the end of those who wait. */
static apr_status_t queue_up(fcgi_pool_t *pool, fcgi_pool_place_t *place)
{
    *place = (fcgi_pool_place_t){ .bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
    if (place->bell < 0) {
        return errno;
    }
    place->is_taken = true;
    *pool->end = place;
    pool->end = &place->next;
    return APR_EINPROGRESS;
}

apr_status_t fcgi_pool_enter(fcgi_pool_t *pool, fcgi_pool_place_t *place)
{
    apr_status_t rv = APR_SUCCESS;

    if (pool->limits.max == 0) {
        return APR_SUCCESS;
    }
    apr_thread_mutex_lock(pool->lock);
    if (pool->in_use < pool->limits.max) {    /* then nobody waits */
        pool->in_use++;
    }
    else {
        rv = queue_up(pool, place);
    }
    check(pool);
    apr_thread_mutex_unlock(pool->lock);
    return rv;
}

apr_interval_time_t fcgi_pool_patience(const fcgi_pool_t *pool)
{
    return pool->limits.acquire > 0 ? pool->limits.acquire : -1;
}

/* With the lock held. */
static void unlink_place(fcgi_pool_t *pool, const fcgi_pool_place_t *place)
{
    fcgi_pool_place_t **at = &pool->first;

    while (*at != place) {
        at = &(*at)->next;
    }
    *at = place->next;
    if (pool->end == &place->next) {
        pool->end = at;
    }
}

bool fcgi_pool_end_waiting(fcgi_pool_t *pool, fcgi_pool_place_t *place)
{
    if (!place->is_taken) {
        return false;
    }
    apr_thread_mutex_lock(pool->lock);
    if (!place->is_served) {
        unlink_place(pool, place);
    }
    check(pool);
    apr_thread_mutex_unlock(pool->lock);
    close(place->bell);
    place->is_taken = false;
    return place->is_served;
}

void fcgi_pool_leave(fcgi_pool_t *pool)
{
    if (pool->limits.max == 0) {
        return;
    }
    apr_thread_mutex_lock(pool->lock);
    fcgi_pool_place_t *next = pool->first;
    if (next) {    /* the right is theirs now */
        unlink_place(pool, next);
        next->is_served = true;
        (void)eventfd_write(next->bell, 1);    /* under the lock: it may be closed behind it */
    }
    else {
        pool->in_use--;
    }
    check(pool);
    apr_thread_mutex_unlock(pool->lock);
}

/* ---- Keeping and taking ---------------------------------------------------------------------- */

/* With the lock held. */
static fcgi_connection_t *unlink_last_used(fcgi_pool_t *pool, const char *socket)
{
    fcgi_connection_t **at = &pool->kept;

    while (*at && strcmp((*at)->socket, socket) != 0) {
        at = &(*at)->next_kept;
    }
    fcgi_connection_t *c = *at;
    if (c) {
        const apr_time_t now = fc_now();
        *at = c->next_kept;
        pool->kept_count--;
        c->is_unproven = now - c->kept_since < A_MOMENT_AGO_US && now >= pool->doubted_until;
    }
    check(pool);
    return c;
}

fcgi_connection_t *fcgi_pool_take(fcgi_pool_t *pool, const char *socket, bool may_be_stale)
{
    for (;;) {
        apr_thread_mutex_lock(pool->lock);
        fcgi_connection_t *c = unlink_last_used(pool, socket);
        apr_thread_mutex_unlock(pool->lock);
        if (!c) {
            return NULL;
        }
        fcgi_connection_counts_add(pool->limits.address, FCGI_COUNT_KEPT, -1);
        c->is_unproven &= may_be_stale;
        if (c->is_unproven || fcgi_connection_is_quiet(c)) {
            return c;
        }
        fcgi_connection_close(&c);
    }
}

void fcgi_pool_note_stale(fcgi_pool_t *pool)
{
    apr_thread_mutex_lock(pool->lock);
    pool->doubted_until = fc_now() + DOUBT_US;
    apr_thread_mutex_unlock(pool->lock);
}

static void wake_reaper(void)
{
    if (reaper.task.keeper && __atomic_exchange_n(&reaper.is_idle, false, __ATOMIC_RELAXED)) {
        fc_task_want(&reaper.task);
    }
}

void fcgi_pool_keep(fcgi_pool_t *pool, fcgi_connection_t **connection)
{
    fcgi_connection_t *c = *connection;
    const int address = pool->limits.address;

    if ((pool->limits.maxuses && c->uses >= pool->limits.maxuses)
        || fcgi_connection_counts_total(address, FCGI_COUNT_WAITING) > 0) {
        fcgi_connection_close(connection);
        return;
    }
    *connection = NULL;
    if (!c->was_kept) {
        c->was_kept = true;
        fcgi_connection_let_wait(c);
    }
    fcgi_connection_counts_add(address, FCGI_COUNT_KEPT, 1);

    apr_thread_mutex_lock(pool->lock);
    c->kept_since = fc_now();    /* in the order of the list */
    c->next_kept = pool->kept;
    pool->kept = c;
    pool->kept_count++;
    check(pool);
    apr_thread_mutex_unlock(pool->lock);
    wake_reaper();
}

void fcgi_pool_note_waiting(fcgi_pool_t *pool, int by)
{
    fcgi_connection_counts_add(pool->limits.address, FCGI_COUNT_WAITING, by);
}

/* ---- Closing what was kept for too long ------------------------------------------------------ */

/* How long the i-th kept connection, counted from the one used last, may stay idle. */
static apr_interval_time_t patience(const fcgi_pool_t *pool, int i, int surplus)
{
    const fcgi_pool_limits_t *limits = &pool->limits;
    apr_interval_time_t shortest = limits->idletimeout ? limits->idletimeout : APR_INT64_MAX;

    if (limits->ttl && limits->smax >= 0 && i >= limits->smax && limits->ttl < shortest) {
        shortest = limits->ttl;
    }
    if (i >= pool->kept_count - surplus && GRACE_US < shortest) {
        shortest = GRACE_US;
    }
    return shortest;
}

static bool is_abandoned(const fcgi_pool_limits_t *limits)
{
    return limits->is_abandoned && limits->is_abandoned(limits->owner);
}

/* With the lock held: unlink those whose time is over. They are the tail of the list. */
static fcgi_connection_t *unlink_old(fcgi_pool_t *pool)
{
    if (!pool->kept) {    /* most pools, 20 times a second: no totals, and its owner is not asked */
        return NULL;
    }
    const int address = pool->limits.address;
    const bool closes_all = fcgi_connection_counts_total(address, FCGI_COUNT_WAITING) > 0
                            || is_abandoned(&pool->limits);
    const int surplus =
        fcgi_connection_counts_total(address, FCGI_COUNT_KEPT) - pool->limits.keepidle;
    const apr_time_t now = fc_now();
    fcgi_connection_t **at = &pool->kept;
    int i = 0;

    while (*at && !closes_all && now - (*at)->kept_since < patience(pool, i, surplus)) {
        at = &(*at)->next_kept;
        i++;
    }
    fcgi_connection_t *old = *at;
    *at = NULL;
    fcgi_connection_counts_add(address, FCGI_COUNT_KEPT, i - pool->kept_count);
    pool->kept_count = i;
    check(pool);
    return old;
}

/* With the reaper's lock held.
 * returns  is anything still kept? */
static bool reap_all(void)
{
    bool any = false;

    for (fcgi_pool_t *pool = reaper.pools; pool; pool = pool->next) {
        apr_thread_mutex_lock(pool->lock);
        fcgi_connection_t *old = unlink_old(pool);
        any |= pool->kept_count > 0;
        apr_thread_mutex_unlock(pool->lock);
        close_list(old);
    }
    return any;
}

static apr_interval_time_t reap(void *unused)
{
    fcgi_connection_counts_bury_the_dead();
    pthread_mutex_lock(&reaper.lock);
    const bool any = reap_all();
    pthread_mutex_unlock(&reaper.lock);
    __atomic_store_n(&reaper.is_idle, !any, __ATOMIC_RELAXED);
    /* not longer: a connection may be kept just before is_idle was set */
    return any ? REAPER_BEAT_US : apr_time_from_sec(1);
}

static void forget_pools(void *unused)
{
    reaper.pools = NULL;
}

static apr_status_t end_reaper(void *unused)
{
    reaper.task.keeper = NULL;
    return APR_SUCCESS;
}

apr_status_t fcgi_pool_start_reaper(apr_pool_t *pchild)
{
    fc_housekeeper_t *keeper = fc_housekeeper(pchild);

    if (!keeper) {
        return APR_EGENERAL;
    }
    reaper.pools = NULL;
    reaper.task = (fc_task_t){ .run = reap, .end = forget_pools };
    apr_pool_pre_cleanup_register(pchild, NULL, end_reaper);    /* behind the task's own */
    /* which is before any pool of connections ends */
    fc_housekeeper_add(keeper, &reaper.task, pchild);
    return APR_SUCCESS;
}
