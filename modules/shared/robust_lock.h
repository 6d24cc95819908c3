/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* robust_lock.h - a mutex in shared memory that tells when the thread that held it has died. As
 *                 long as it is held that one lives; a process id may be somebody else's by then.
 * Memory   the caller's, shared by processes.   Threads: any, in any process. */
#ifndef FC_ROBUST_LOCK_H
#define FC_ROBUST_LOCK_H

#include <pthread.h>

typedef enum {
    FC_LOCK_HELD,         /* by a thread that lives */
    FC_LOCK_OURS,         /* it was free */
    FC_LOCK_OURS_OF_DEAD  /* its last owner has died with it */
} fc_lock_t;

/** returns  0, or an error number */
int fc_robust_lock_init(pthread_mutex_t *lock);

/** Take it if that can be had at once. Whoever has it gives it up with pthread_mutex_unlock(), from
 *  the same thread. */
fc_lock_t fc_robust_lock_try(pthread_mutex_t *lock);

#endif
