/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* duty_thread.c - see duty_thread.h. */
#include "duty_thread.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

apr_status_t fc_duty_thread_start(fc_duty_thread_t *work, apr_thread_start_t run)
{
    apr_status_t rv = apr_pool_create(&work->p, NULL);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (pipe2(work->stop_pipe, O_CLOEXEC) != 0) {
        rv = APR_FROM_OS_ERROR(errno);
    }
    else if ((rv = apr_thread_create(&work->thread, NULL, run, NULL, work->p)) != APR_SUCCESS) {
        close(work->stop_pipe[0]);
        close(work->stop_pipe[1]);
    }
    if (rv != APR_SUCCESS) {
        apr_pool_destroy(work->p);
    }
    return rv;
}

void fc_duty_thread_tell(fc_duty_thread_t *work)
{
    close(work->stop_pipe[1]);
}

void fc_duty_thread_join(fc_duty_thread_t *work)
{
    apr_status_t rv;

    apr_thread_join(&rv, work->thread);
    close(work->stop_pipe[0]);
    apr_pool_destroy(work->p);
}
