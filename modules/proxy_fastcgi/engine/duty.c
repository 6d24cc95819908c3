/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* duty.c - see duty.h. */
#include "duty.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "apr_shm.h"

typedef struct {
    pthread_mutex_t lock;
    _Atomic uint32_t newest;     /* configuration */
} shared_t;

static const char shared_key[] = "proxy_fastcgi.duty";

static shared_t *shared;
static uint32_t own;             /* the configuration that this process belongs to */
static bool is_ours;

static apr_status_t make_lock(pthread_mutex_t *lock)
{
    pthread_mutexattr_t how;

    int rv = pthread_mutexattr_init(&how);
    if (rv != 0) {
        return rv;
    }
    rv = pthread_mutexattr_setpshared(&how, PTHREAD_PROCESS_SHARED);
    if (rv == 0) {
        rv = pthread_mutexattr_setrobust(&how, PTHREAD_MUTEX_ROBUST);
    }
    if (rv == 0) {
        rv = pthread_mutex_init(lock, &how);
    }
    pthread_mutexattr_destroy(&how);
    return rv;
}

apr_status_t fcgi_duty_open(apr_pool_t *process)
{
    void *found = NULL;
    apr_shm_t *shm;

    apr_pool_userdata_get(&found, shared_key, process);
    if (!found) {
        apr_status_t rv = apr_shm_create(&shm, sizeof(shared_t), NULL, process);
        if (rv == APR_SUCCESS) {
            found = apr_shm_baseaddr_get(shm);
            rv = make_lock(&((shared_t *)found)->lock);
        }
        if (rv != APR_SUCCESS) {
            return rv;
        }
        atomic_store(&((shared_t *)found)->newest, 0);
        /* with a copy of the key: a restart unloads this module */
        apr_pool_userdata_set(found, shared_key, NULL, process);
    }
    shared = found;
    own = atomic_fetch_add(&shared->newest, 1) + 1;
    return APR_SUCCESS;
}

bool fcgi_duty_take(void)
{
    if (!is_ours) {
        const int rv = pthread_mutex_trylock(&shared->lock);
        if (rv == EOWNERDEAD) {    /* it guards nothing that could be half done */
            pthread_mutex_consistent(&shared->lock);
        }
        is_ours = rv == 0 || rv == EOWNERDEAD;
    }
    return is_ours;
}

void fcgi_duty_give_up(void)
{
    if (is_ours) {
        is_ours = false;
        pthread_mutex_unlock(&shared->lock);
    }
}

bool fcgi_duty_is_outdated(void)
{
    return atomic_load(&shared->newest) != own;
}
