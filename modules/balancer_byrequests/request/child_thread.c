/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* child_thread.c - see child_thread.h. */
#include "child_thread.h"

#include <unistd.h>

#include "apr_signal.h"
#include "apr_thread_cond.h"
#include "apr_thread_mutex.h"
#include "apr_thread_proc.h"
#include "checks.h"
#include "clock.h"
#include "fastcgi_log.h"
#include "gate.h"
#include "http_log.h"
#include "member_counters.h"
#include "member_state.h"
#include "table_segments.h"
#include "waiting.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

#define BEAT_US (200 * 1000)

typedef struct {
    lb_ledger_t *ledger;
    server_rec *server;
    apr_thread_t *thread;
    apr_thread_mutex_t *lock;        /* guards has_joined */
    apr_thread_cond_t *joined;
    bool has_joined;                 /* or has tried to */
    _Atomic bool is_stopping;
} watch_t;

/* Whose rights became free, or whose state has changed, was told to nobody: look. */
static void look_after(const lb_balancer_t *balancer, server_rec *s)
{
    lb_member_t member;

    lb_balancer_sync(balancer->proxy, s);
    uint32_t waiting = atomic_load(&balancer->row->waiting);

    for (int i = 0; lb_member_next(balancer, &i, &member);) {
        size_t *busy = &member.worker->s->busy;
        lb_checks_note_others(&member);
        lb_member_state_note_others(&member);
        waiting += atomic_load(&member.row->waiting);
        if (*busy != atomic_load(&member.row->in_flight)) {
            lb_ledger_mirror(balancer->ledger->table, lb_member_index(&member), busy);
        }
    }
    if (waiting > 0) {
        lb_gate_serve(balancer);
    }
}

static void beat(const watch_t *watch)
{
    const apr_array_header_t *balancers = lb_balancer_all();

    if (lb_ledger_bury_the_dead(watch->ledger->table)) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, watch->server, FCLOGNO(0440)
                     "a child process has died: the slots that its requests held are released");
    }
    for (int i = 0; i < balancers->nelts; i++) {
        const lb_balancer_t *balancer = APR_ARRAY_IDX(balancers, i, lb_balancer_t *);
        if (balancer->ledger == watch->ledger) {
            look_after(balancer, watch->server);
            lb_member_counters_sample(balancer);
        }
    }
}

/* What mod_proxy has counted in this generation would be lost with it. */
static void leave(const watch_t *watch)
{
    const apr_array_header_t *balancers = lb_balancer_all();

    for (int i = 0; i < balancers->nelts; i++) {
        const lb_balancer_t *balancer = APR_ARRAY_IDX(balancers, i, lb_balancer_t *);
        if (balancer->ledger == watch->ledger) {
            lb_member_counters_fold_bytes(balancer);
        }
    }
    lb_ledger_leave(watch->ledger);
}

static void join(watch_t *watch)
{
    if (!lb_ledger_join(watch->ledger, (int32_t)getpid())) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, watch->server, FCLOGNO(0441)
                     "no row for this process: its requests are not counted, and limits do not "
                     "apply to them");
    }
    apr_thread_mutex_lock(watch->lock);
    watch->has_joined = true;
    apr_thread_cond_signal(watch->joined);
    apr_thread_mutex_unlock(watch->lock);
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    watch_t *watch = data;
    apr_time_t next_beat = 0;

    apr_setup_signal_thread();    /* signals are the main thread's */
    join(watch);
    while (!atomic_load(&watch->is_stopping)) {
        const uint32_t heard = lb_ledger_bell(watch->ledger);
        const apr_time_t now = fc_now();

        lb_waiting_wake(watch->ledger);
        if (now >= next_beat) {
            beat(watch);
            next_beat = now + BEAT_US;
        }
        lb_ledger_wait_for_bell(watch->ledger, heard, BEAT_US);
    }
    leave(watch);
    return NULL;
}

static apr_status_t stop(void *data)
{
    watch_t *watch = data;
    const uint32_t row = lb_ledger_row(watch->ledger);
    apr_status_t rv;

    atomic_store(&watch->is_stopping, true);
    if (row != LB_NOBODY) {
        lb_ledger_ring(watch->ledger->table, row);
    }
    apr_thread_join(&rv, watch->thread);
    return APR_SUCCESS;
}

/* Requests come when this process has its row. */
static void wait_until_joined(watch_t *watch)
{
    apr_thread_mutex_lock(watch->lock);
    while (!watch->has_joined) {
        apr_thread_cond_wait(watch->joined, watch->lock);
    }
    apr_thread_mutex_unlock(watch->lock);
}

static apr_status_t start(lb_ledger_t *ledger, server_rec *s, apr_pool_t *pchild)
{
    watch_t *watch = apr_pcalloc(pchild, sizeof(*watch));
    watch->ledger = ledger;
    watch->server = s;

    apr_status_t rv = apr_thread_mutex_create(&watch->lock, APR_THREAD_MUTEX_DEFAULT, pchild);
    if (rv == APR_SUCCESS) {
        rv = apr_thread_cond_create(&watch->joined, pchild);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_thread_create(&watch->thread, NULL, run, watch, pchild);
    }
    if (rv == APR_SUCCESS) {
        wait_until_joined(watch);
        apr_pool_pre_cleanup_register(pchild, watch, stop);
    }
    return rv;
}

void lb_child_thread_child_init(apr_pool_t *pchild, server_rec *s)
{
    const apr_array_header_t *ledgers = lb_table_segments_ledgers(s);

    lb_waiting_child_init(pchild);
    for (int i = 0; i < ledgers->nelts; i++) {
        const apr_status_t rv = start(APR_ARRAY_IDX(ledgers, i, lb_ledger_t *), s, pchild);
        if (rv != APR_SUCCESS) {
            ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, FCLOGNO(0442)
                         "cannot start the thread that counts this process's requests");
        }
    }
}
