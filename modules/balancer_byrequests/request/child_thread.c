/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* child_thread.c - see child_thread.h. */
#include "child_thread.h"

#include <unistd.h>

#include "checks.h"
#include "clock.h"
#include "fastcgi_log.h"
#include "gate.h"
#include "housekeeper.h"
#include "http_log.h"
#include "member_counters.h"
#include "table_segments.h"
#include "waiting.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

#define BEAT_US (200 * 1000)

typedef struct {
    lb_ledger_t *ledger;
    server_rec *server;
    fc_housekeeper_t *keeper;
    fc_task_t task;
    apr_time_t next_beat;
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

/* The housekeeper's thread stands for this process. */
static void join(void *data)
{
    watch_t *watch = data;

    if (!lb_ledger_join(watch->ledger, (int32_t)getpid())) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, watch->server, FCLOGNO(0441)
                     "no row for this process: its requests are not counted, and limits do not "
                     "apply to them");
    }
    fc_housekeeper_listen(watch->keeper, lb_ledger_bell(watch->ledger));
}

static apr_interval_time_t look(void *data)
{
    watch_t *watch = data;

    lb_waiting_wake(watch->ledger);
    if (fc_now() >= watch->next_beat) {
        beat(watch);
        watch->next_beat = fc_now() + BEAT_US;
    }
    return watch->next_beat - fc_now();
}

/* What mod_proxy has counted in this generation would be lost with it. */
static void leave(void *data)
{
    const watch_t *watch = data;
    const apr_array_header_t *balancers = lb_balancer_all();

    for (int i = 0; i < balancers->nelts; i++) {
        const lb_balancer_t *balancer = APR_ARRAY_IDX(balancers, i, lb_balancer_t *);
        if (balancer->ledger == watch->ledger) {
            lb_member_counters_fold_bytes(balancer);
        }
    }
    fc_housekeeper_listen(watch->keeper, NULL);
    lb_ledger_leave(watch->ledger);
}

static bool start(fc_housekeeper_t *keeper, lb_ledger_t *ledger, server_rec *s,
                  apr_pool_t *pchild)
{
    if (!keeper) {
        return false;
    }
    watch_t *watch = apr_pcalloc(pchild, sizeof(*watch));
    *watch = (watch_t){
        .ledger = ledger,
        .server = s,
        .keeper = keeper,
        .task = { .begin = join, .run = look, .end = leave, .data = watch, .hears_bell = true }
    };
    fc_housekeeper_add(keeper, &watch->task, pchild);
    return true;
}

void lb_child_thread_child_init(apr_pool_t *pchild, server_rec *s)
{
    const apr_array_header_t *ledgers = lb_table_segments_ledgers(s);

    lb_waiting_child_init(pchild);
    for (int i = 0; i < ledgers->nelts; i++) {
        /* each ledger has a bell of its own */
        fc_housekeeper_t *keeper = i == 0 ? fc_housekeeper(pchild)
                                          : fc_housekeeper_start(pchild);
        if (!start(keeper, APR_ARRAY_IDX(ledgers, i, lb_ledger_t *), s, pchild)) {
            ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, FCLOGNO(0442)
                         "cannot start the thread that counts this process's requests");
        }
    }
}
