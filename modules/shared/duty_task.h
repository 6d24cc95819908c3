/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* duty_task.h - the housekeeper of each child takes a duty when it is free, and starts what does it.
 * Knows    duty.h, housekeeper.h.   Ignores  what the work is.
 * Memory   the caller's.
 * Threads  start() and stop() run in the housekeeper's; the work has threads of its own. */
#ifndef FC_DUTY_TASK_H
#define FC_DUTY_TASK_H

#include "duty.h"
#include "housekeeper.h"

/* The caller sets the first three; all else is 0. */
typedef struct {
    fc_duty_t *duty;
    bool (*start)(void);      /* false: it could not be, and has said so; tried again in a second */
    void (*stop)(void);       /* returns when nothing of the work runs any more */

    bool is_working;
    fc_task_t task;
} fc_duty_task_t;

/** In a child: the duty may come to it from now on.
 *  returns  an error when it has no housekeeper */
apr_status_t fc_duty_task_add(fc_duty_task_t *work, apr_pool_t *pchild);

#endif
