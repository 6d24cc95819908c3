/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* duty_thread.h - the thread that does a duty's work, in the child that has the duty.
 * Knows    how it is started, told to end and waited for.
 * Ignores  what it does, and who has the duty (duty_task.h).
 * Memory   the caller's, static.   Threads: the housekeeper's starts and ends it. */
#ifndef FC_DUTY_THREAD_H
#define FC_DUTY_THREAD_H

#include "apr_thread_proc.h"

typedef struct {
    apr_pool_t *p;
    apr_thread_t *thread;
    int stop_pipe[2];        /* the reading end hangs up when the thread is to end */
} fc_duty_thread_t;

/** Start it.
 *  returns  an error: there is no memory, descriptor or thread; nothing is left of it */
apr_status_t fc_duty_thread_start(fc_duty_thread_t *work, apr_thread_start_t run);

/** Tell it to end; does not wait. */
void fc_duty_thread_tell(fc_duty_thread_t *work);

/** Wait until it has ended, which it was told. */
void fc_duty_thread_join(fc_duty_thread_t *work);

#endif
