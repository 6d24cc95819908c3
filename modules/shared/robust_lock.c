/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* robust_lock.c - see robust_lock.h. */
#include "robust_lock.h"

#include <errno.h>

int fc_robust_lock_init(pthread_mutex_t *lock)
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

fc_lock_t fc_robust_lock_try(pthread_mutex_t *lock)
{
    const int rv = pthread_mutex_trylock(lock);

    if (rv == EOWNERDEAD) {
        pthread_mutex_consistent(lock);
        return FC_LOCK_OURS_OF_DEAD;
    }
    return rv == 0 ? FC_LOCK_OURS : FC_LOCK_HELD;
}
