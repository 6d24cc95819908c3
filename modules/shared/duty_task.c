/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* duty_task.c - see duty_task.h. */
#include "duty_task.h"

#define LOOK_AGAIN_US apr_time_from_sec(1)    /* has the process died that has the duty? */

static void end(void *data)
{
    fc_duty_task_t *work = data;

    if (work->is_working) {
        work->is_working = false;
        work->stop();
    }
    fc_duty_give_up(work->duty);
}

static apr_interval_time_t look(void *data)
{
    fc_duty_task_t *work = data;

    if (fc_duty_is_outdated(work->duty)) {
        end(work);
    }
    else if (!work->is_working && fc_duty_take(work->duty)) {
        work->is_working = work->start();
    }
    return LOOK_AGAIN_US;
}

apr_status_t fc_duty_task_add(fc_duty_task_t *work, apr_pool_t *pchild)
{
    fc_housekeeper_t *keeper = fc_housekeeper(pchild);

    if (!keeper) {
        return APR_EGENERAL;
    }
    work->is_working = false;
    work->task = (fc_task_t){ .run = look, .end = end, .data = work };
    fc_housekeeper_add(keeper, &work->task, pchild);
    return APR_SUCCESS;
}
