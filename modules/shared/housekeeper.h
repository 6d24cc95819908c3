/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* housekeeper.h - the one thread of a child process that does what is due now and then, for all
 *                 modules of ours.
 * Knows    tasks, when each is due, the bell that wakes the thread.
 * Ignores  what the tasks do.
 * Memory   pchild.
 * Threads  tasks are added and removed by the thread that starts and ends the child; their bodies
 *          run in the housekeeper's, one at a time, and must not block: requests wait for some.
 *
 * What has to block (a check, a query, a file) has a thread of its own, and only as long as it is
 * needed. */
#ifndef FC_HOUSEKEEPER_H
#define FC_HOUSEKEEPER_H

#include <stdbool.h>

#include "apr_pools.h"
#include "apr_time.h"
#include "bell.h"

typedef struct fc_housekeeper_t fc_housekeeper_t;

/* A task; the caller's memory, all other fields 0. It must outlive its removal. */
typedef struct fc_task_t {
    void (*begin)(void *data);                  /* before all other bodies; NULL: none */
    apr_interval_time_t (*run)(void *data);     /* returns us until it is due again */
    void (*end)(void *data);                    /* after all other bodies; NULL: none */
    void *data;
    bool hears_bell;                            /* run it whenever the bell rang, due or not */

    apr_time_t due_at;                          /* the housekeeper's own, as all below */
    _Atomic bool is_wanted;
    struct fc_task_t *next;
    fc_housekeeper_t *keeper;
} fc_task_t;

/** The housekeeper of this child; starts it at the first call. It ends with `pchild`, after all
 *  tasks.
 *  returns  NULL: it could not be started */
fc_housekeeper_t *fc_housekeeper(apr_pool_t *pchild);

/** Another one, for a task with a bell when the first has a bell already. */
fc_housekeeper_t *fc_housekeeper_start(apr_pool_t *pchild);

/** Give it a task; begin() and the first run() are over when this returns. It is removed before
 *  what is in `pchild` ends. */
void fc_housekeeper_add(fc_housekeeper_t *keeper, fc_task_t *task, apr_pool_t *pchild);

/** From begin(): be woken by this bell from now on. From end(), NULL: by its own again. */
void fc_housekeeper_listen(fc_housekeeper_t *keeper, fc_bell_t *bell);

/** The task is due now. Any thread of this process; a system call. */
void fc_task_want(fc_task_t *task);

#endif
