/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* pool.c - see pool.h. */
#include "pool.h"

#include "apr_thread_cond.h"
#include "apr_thread_mutex.h"

struct fcgi_pool_t {
    apr_thread_mutex_t *lock;       /* guards all below */
    apr_thread_cond_t *left;        /* somebody gave a right back */
    fcgi_pool_limits_t limits;
    fcgi_connection_t *kept;        /* the one used last is first, so the oldest are at the end */
    int kept_count;
    int in_use;
};

static apr_status_t close_all(void *data)
{
    fcgi_pool_t *pool = data;

    while (pool->kept) {
        fcgi_connection_t *c = pool->kept;
        pool->kept = c->next_kept;
        fcgi_connection_close(&c);
    }
    pool->kept_count = 0;
    return APR_SUCCESS;
}

apr_status_t fcgi_pool_make(fcgi_pool_t **made, const fcgi_pool_limits_t *limits, apr_pool_t *p)
{
    fcgi_pool_t *pool = apr_pcalloc(p, sizeof(*pool));
    pool->limits = *limits;

    apr_status_t rv = apr_thread_mutex_create(&pool->lock, APR_THREAD_MUTEX_DEFAULT, p);
    if (rv == APR_SUCCESS) {
        rv = apr_thread_cond_create(&pool->left, p);
    }
    if (rv == APR_SUCCESS) {
        apr_pool_cleanup_register(p, pool, close_all, apr_pool_cleanup_null);
        *made = pool;
    }
    return rv;
}

/* With the lock held, wait until there is room under max. */
static apr_status_t wait_for_room(fcgi_pool_t *pool)
{
    const apr_time_t deadline = fcgi_now() + pool->limits.acquire;

    while (pool->in_use >= pool->limits.max) {
        if (pool->limits.acquire == 0) {
            apr_thread_cond_wait(pool->left, pool->lock);
            continue;
        }
        const apr_interval_time_t wait = deadline - fcgi_now();
        if (wait <= 0) {
            return APR_TIMEUP;
        }
        apr_thread_cond_timedwait(pool->left, pool->lock, wait);
    }
    return APR_SUCCESS;
}

apr_status_t fcgi_pool_enter(fcgi_pool_t *pool)
{
    apr_status_t rv = APR_SUCCESS;

    if (pool->limits.max == 0) {
        return APR_SUCCESS;
    }
    apr_thread_mutex_lock(pool->lock);
    rv = wait_for_room(pool);
    if (rv == APR_SUCCESS) {
        pool->in_use++;
    }
    apr_thread_mutex_unlock(pool->lock);
    return rv;
}

void fcgi_pool_leave(fcgi_pool_t *pool)
{
    if (pool->limits.max == 0) {
        return;
    }
    apr_thread_mutex_lock(pool->lock);
    pool->in_use--;
    apr_thread_cond_signal(pool->left);
    apr_thread_mutex_unlock(pool->lock);
}

/* With the lock held. */
static fcgi_connection_t *pop(fcgi_pool_t *pool)
{
    fcgi_connection_t *c = pool->kept;
    if (c) {
        pool->kept = c->next_kept;
        pool->kept_count--;
    }
    return c;
}

fcgi_connection_t *fcgi_pool_take(fcgi_pool_t *pool)
{
    for (;;) {
        apr_thread_mutex_lock(pool->lock);
        fcgi_connection_t *c = pop(pool);
        apr_thread_mutex_unlock(pool->lock);
        if (!c || fcgi_connection_is_quiet(c)) {
            return c;
        }
        fcgi_connection_close(&c);
    }
}

/* With the lock held: unlink those beyond smax that are older than ttl. */
static fcgi_connection_t *unlink_old(fcgi_pool_t *pool, apr_time_t now)
{
    fcgi_connection_t **at = &pool->kept;

    if (pool->limits.ttl == 0 || pool->limits.smax < 0 || pool->kept_count <= pool->limits.smax) {
        return NULL;
    }
    for (int i = 0; *at && i < pool->limits.smax; i++) {
        at = &(*at)->next_kept;
    }
    while (*at && now - (*at)->kept_since < pool->limits.ttl) {
        at = &(*at)->next_kept;
    }
    fcgi_connection_t *old = *at;
    *at = NULL;
    for (fcgi_connection_t *c = old; c; c = c->next_kept) {
        pool->kept_count--;
    }
    return old;
}

void fcgi_pool_keep(fcgi_pool_t *pool, fcgi_connection_t **connection)
{
    fcgi_connection_t *c = *connection;
    *connection = NULL;
    c->was_kept = true;
    c->kept_since = fcgi_now();

    apr_thread_mutex_lock(pool->lock);
    c->next_kept = pool->kept;
    pool->kept = c;
    pool->kept_count++;
    fcgi_connection_t *old = unlink_old(pool, c->kept_since);
    apr_thread_mutex_unlock(pool->lock);

    while (old) {
        fcgi_connection_t *next = old->next_kept;
        fcgi_connection_close(&old);
        old = next;
    }
}
