/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* housekeeper.c - see housekeeper.h.
 *
 * Invariants: only the thread touches the list of tasks. The order, of which there is one at a
 * time, is under the lock; who gives it waits until it was carried out. */
#include "housekeeper.h"

#include "apr_allocator.h"
#include "apr_signal.h"
#include "apr_thread_cond.h"
#include "apr_thread_mutex.h"
#include "apr_thread_proc.h"
#include "clock.h"

/* All modules of a child find the same by it. The number is another one when the struct is. */
#define KEY       "fastcgi.housekeeper.1"
#define AT_MOST_US apr_time_from_sec(60)

typedef enum {
    NO_ORDER,
    ADD,
    REMOVE,
    STOP
} order_t;

struct fc_housekeeper_t {
    apr_thread_t *thread;
    apr_thread_mutex_t *lock;
    apr_thread_cond_t *is_done;
    _Atomic order_t order;          /* written under the lock */
    fc_task_t *about;
    fc_task_t *tasks;
    fc_bell_t own_bell;
    fc_bell_t *_Atomic bell;
    bool is_stopping;
    apr_allocator_t *locked;        /* NULL: it had a lock of its own */
};

/* ---- The thread ------------------------------------------------------------------------------ */

static void run_task(fc_task_t *task)
{
    task->due_at = fc_now() + task->run(task->data);
}

static void take_in(fc_housekeeper_t *keeper, fc_task_t *task)
{
    if (task->begin) {
        task->begin(task->data);
    }
    run_task(task);
    task->next = keeper->tasks;
    keeper->tasks = task;
}

static void take_out(fc_housekeeper_t *keeper, fc_task_t *task)
{
    fc_task_t **at = &keeper->tasks;

    while (*at != task) {
        at = &(*at)->next;
    }
    *at = task->next;
    if (task->end) {
        task->end(task->data);
    }
}

static void carry_out_order(fc_housekeeper_t *keeper)
{
    if (atomic_load(&keeper->order) == NO_ORDER) {
        return;
    }
    apr_thread_mutex_lock(keeper->lock);
    switch (atomic_load(&keeper->order)) {
    case ADD:
        take_in(keeper, keeper->about);
        break;
    case REMOVE:
        take_out(keeper, keeper->about);
        break;
    case STOP:
        keeper->is_stopping = true;
        break;
    case NO_ORDER:
        break;
    }
    atomic_store(&keeper->order, NO_ORDER);
    apr_thread_cond_signal(keeper->is_done);
    apr_thread_mutex_unlock(keeper->lock);
}

/* returns  us until one is due */
static apr_interval_time_t run_due(fc_housekeeper_t *keeper)
{
    apr_interval_time_t wait = AT_MOST_US;

    for (fc_task_t *task = keeper->tasks; task; task = task->next) {
        if (task->hears_bell || atomic_exchange(&task->is_wanted, false)
            || task->due_at <= fc_now()) {
            run_task(task);
        }
        const apr_interval_time_t left = task->due_at - fc_now();
        wait = left < wait ? left : wait;
    }
    return wait;
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    fc_housekeeper_t *keeper = data;

    apr_setup_signal_thread();    /* signals are the main thread's */
    while (!keeper->is_stopping) {
        fc_bell_t *bell = atomic_load(&keeper->bell);
        const uint32_t heard = atomic_load(bell);
        carry_out_order(keeper);
        const apr_interval_time_t wait = run_due(keeper);
        if (wait > 0 && !keeper->is_stopping && bell == atomic_load(&keeper->bell)) {
            fc_bell_wait(bell, heard, wait);
        }
    }
    return NULL;
}

/* ---- From the main thread -------------------------------------------------------------------- */

static void give_order(fc_housekeeper_t *keeper, order_t order, fc_task_t *about)
{
    apr_thread_mutex_lock(keeper->lock);
    keeper->about = about;
    atomic_store(&keeper->order, order);
    fc_bell_ring(atomic_load(&keeper->bell));
    while (atomic_load(&keeper->order) != NO_ORDER) {
        apr_thread_cond_wait(keeper->is_done, keeper->lock);
    }
    apr_thread_mutex_unlock(keeper->lock);
}

/* prefork has no other threads, and so no lock for the memory that they share with this one. */
static apr_status_t lock_allocator(fc_housekeeper_t *keeper, apr_pool_t *pchild)
{
    apr_allocator_t *allocator = apr_pool_allocator_get(pchild);
    apr_thread_mutex_t *lock;

    if (apr_allocator_mutex_get(allocator)) {
        return APR_SUCCESS;
    }
    const apr_status_t rv = apr_thread_mutex_create(&lock, APR_THREAD_MUTEX_DEFAULT, pchild);
    if (rv == APR_SUCCESS) {
        apr_allocator_mutex_set(allocator, lock);
        keeper->locked = allocator;
    }
    return rv;
}

/* prefork ends a child in its handler of SIGTERM: the thread that does it may have been interrupted
 * with the lock in its hands, and would wait for itself. */
static void unlock_allocator(const fc_housekeeper_t *keeper)
{
    if (keeper->locked) {
        apr_allocator_mutex_set(keeper->locked, NULL);
    }
}

static apr_status_t stop(void *data)
{
    fc_housekeeper_t *keeper = data;
    apr_status_t rv;

    give_order(keeper, STOP, NULL);
    apr_thread_join(&rv, keeper->thread);
    unlock_allocator(keeper);
    return APR_SUCCESS;
}

fc_housekeeper_t *fc_housekeeper_start(apr_pool_t *pchild)
{
    fc_housekeeper_t *keeper = apr_pcalloc(pchild, sizeof(*keeper));

    atomic_store(&keeper->bell, &keeper->own_bell);
    if (lock_allocator(keeper, pchild) != APR_SUCCESS
        || apr_thread_mutex_create(&keeper->lock, APR_THREAD_MUTEX_DEFAULT, pchild) != APR_SUCCESS
        || apr_thread_cond_create(&keeper->is_done, pchild) != APR_SUCCESS
        || apr_thread_create(&keeper->thread, NULL, run, keeper, pchild) != APR_SUCCESS) {
        return NULL;
    }
    apr_pool_pre_cleanup_register(pchild, keeper, stop);
    return keeper;
}

fc_housekeeper_t *fc_housekeeper(apr_pool_t *pchild)
{
    void *found = NULL;

    apr_pool_userdata_get(&found, KEY, pchild);
    if (!found) {
        found = fc_housekeeper_start(pchild);
        apr_pool_userdata_setn(found, KEY, NULL, pchild);
    }
    return found;
}

static apr_status_t remove_task(void *data)
{
    fc_task_t *task = data;
    give_order(task->keeper, REMOVE, task);
    return APR_SUCCESS;
}

void fc_housekeeper_add(fc_housekeeper_t *keeper, fc_task_t *task, apr_pool_t *pchild)
{
    task->keeper = keeper;
    give_order(keeper, ADD, task);
    apr_pool_pre_cleanup_register(pchild, task, remove_task);
}

void fc_housekeeper_listen(fc_housekeeper_t *keeper, fc_bell_t *bell)
{
    atomic_store(&keeper->bell, bell ? bell : &keeper->own_bell);
}

void fc_task_want(fc_task_t *task)
{
    atomic_store(&task->is_wanted, true);
    fc_bell_ring(atomic_load(&task->keeper->bell));
}
