/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* duty.c - see duty.h. */
#include "duty.h"

#include <stdatomic.h>

#include "apr_shm.h"
#include "robust_lock.h"

struct fc_duty_shared_t {
    pthread_mutex_t lock;
    _Atomic uint32_t newest;     /* configuration */
};

static apr_status_t make_shared(fc_duty_shared_t **made, apr_pool_t *process)
{
    apr_shm_t *shm;
    apr_status_t rv = apr_shm_create(&shm, sizeof(**made), NULL, process);

    if (rv == APR_SUCCESS) {
        *made = apr_shm_baseaddr_get(shm);
        atomic_store(&(*made)->newest, 0);
        rv = fc_robust_lock_init(&(*made)->lock);
    }
    return rv;
}

apr_status_t fc_duty_open(fc_duty_t *duty, const char *name, apr_pool_t *process)
{
    void *found = NULL;

    apr_pool_userdata_get(&found, name, process);
    duty->shared = found;
    if (!found) {
        const apr_status_t rv = make_shared(&duty->shared, process);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        /* with a copy of the name: a restart unloads this module */
        apr_pool_userdata_set(duty->shared, name, NULL, process);
    }
    duty->own = atomic_fetch_add(&duty->shared->newest, 1) + 1;
    return APR_SUCCESS;
}

bool fc_duty_take(fc_duty_t *duty)
{
    if (!duty->is_ours) {
        /* it guards nothing that could be half done */
        duty->is_ours = fc_robust_lock_try(&duty->shared->lock) != FC_LOCK_HELD;
    }
    return duty->is_ours;
}

void fc_duty_give_up(fc_duty_t *duty)
{
    if (duty->is_ours) {
        duty->is_ours = false;
        pthread_mutex_unlock(&duty->shared->lock);
    }
}

bool fc_duty_is_outdated(const fc_duty_t *duty)
{
    return atomic_load(&duty->shared->newest) != duty->own;
}
