/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* check_owner.c - see check_owner.h. */
#include "check_owner.h"

#include <stdatomic.h>
#include <stdint.h>

#include "apr_shm.h"
#include "robust_lock.h"

typedef struct {
    pthread_mutex_t lock;
    _Atomic uint32_t newest;     /* configuration */
} shared_t;

static const char shared_key[] = "proxy_fastcgi.duty";

static shared_t *shared;
static uint32_t own;             /* the configuration that this process belongs to */
static bool is_ours;

apr_status_t fcgi_check_owner_open(apr_pool_t *process)
{
    void *found = NULL;
    apr_shm_t *shm;

    apr_pool_userdata_get(&found, shared_key, process);
    if (!found) {
        apr_status_t rv = apr_shm_create(&shm, sizeof(shared_t), NULL, process);
        if (rv == APR_SUCCESS) {
            found = apr_shm_baseaddr_get(shm);
            rv = fc_robust_lock_init(&((shared_t *)found)->lock);
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

bool fcgi_check_owner_take(void)
{
    if (!is_ours) {
        /* it guards nothing that could be half done */
        is_ours = fc_robust_lock_try(&shared->lock) != FC_LOCK_HELD;
    }
    return is_ours;
}

void fcgi_check_owner_give_up(void)
{
    if (is_ours) {
        is_ours = false;
        pthread_mutex_unlock(&shared->lock);
    }
}

bool fcgi_check_owner_is_outdated(void)
{
    return atomic_load(&shared->newest) != own;
}
