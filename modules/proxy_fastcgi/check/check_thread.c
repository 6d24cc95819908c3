/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* check_thread.c - see check_thread.h.
 *
 * Invariants: the condition's lock guards all of `checker`. A slot is free, or its thread runs, or
 * its thread is done and not yet joined; only the waiting thread starts and joins. */
#include "check_thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "apr_optional.h"
#include "condition.h"
#include "duty_task.h"
#include "duty_thread.h"
#include "fastcgi_log.h"
#include "http_log.h"
#include "mod_balancer_byrequests.h"
#include "probe.h"

extern module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;
APLOG_USE_MODULE(proxy_fastcgi);

#define CHECKS_AT_ONCE 64
#define AT_MOST_US     apr_time_from_sec(1)    /* without a look */

static APR_OPTIONAL_FN_TYPE(lb_checks_count) *checks_count;
static APR_OPTIONAL_FN_TYPE(lb_checks_next) *checks_next;
static APR_OPTIONAL_FN_TYPE(lb_checks_report) *checks_report;

typedef struct {
    pthread_t thread;
    const lb_check_t *check;     /* NULL: the slot is free */
    fcgi_check_stop_t stop;
    bool is_done;
} slot_t;

static struct {
    fc_condition_t condition;    /* is_stopping, or a slot is done */
    fc_duty_thread_t thread;     /* told to end, all checks hear it, too */
    server_rec *server;
    bool is_stopping;
    slot_t slots[CHECKS_AT_ONCE];
} checker;

static fc_duty_t duty;

apr_status_t fcgi_check_thread_open(apr_pool_t *process)
{
    return fc_duty_open(&duty, "proxy_fastcgi.checks", process);
}

void fcgi_check_thread_find_balancer(void)
{
    checks_count = APR_RETRIEVE_OPTIONAL_FN(lb_checks_count);
    checks_next = APR_RETRIEVE_OPTIONAL_FN(lb_checks_next);
    checks_report = APR_RETRIEVE_OPTIONAL_FN(lb_checks_report);
}

/* ---- One check ------------------------------------------------------------------------------- */

static void make_check(const lb_check_t *check, fcgi_check_stop_t *stop)
{
    lb_check_result_t result;
    apr_pool_t *p;

    apr_pool_create(&p, NULL);
    apr_pool_tag(p, "fcgi_check");
    if (fcgi_probe_run(check, stop, p, &result)) {
        checks_report(check, &result, p);
    }
    apr_pool_destroy(p);
}

static void *run_check(void *slot_)
{
    slot_t *slot = slot_;

    make_check(slot->check, &slot->stop);
    fc_condition_lock(&checker.condition);
    slot->is_done = true;
    fc_condition_signal(&checker.condition);
    fc_condition_unlock(&checker.condition);
    return NULL;
}

/* ---- All of them, with the lock held --------------------------------------------------------- */

/* returns  a free slot, NULL when there is none */
static slot_t *join_done(void)
{
    slot_t *free_slot = NULL;

    for (int i = 0; i < CHECKS_AT_ONCE; i++) {
        slot_t *slot = &checker.slots[i];
        if (slot->check && slot->is_done) {
            pthread_join(slot->thread, NULL);    /* it has nothing left to do */
            slot->check = NULL;
        }
        if (!slot->check) {
            free_slot = slot;
        }
    }
    return free_slot;
}

static void join_all(void)
{
    for (int i = 0; i < CHECKS_AT_ONCE; i++) {
        slot_t *slot = &checker.slots[i];
        if (slot->check) {
            fc_condition_unlock(&checker.condition);
            pthread_join(slot->thread, NULL);
            fc_condition_lock(&checker.condition);
            slot->check = NULL;
        }
    }
}

static void start_check(slot_t *slot, const lb_check_t *check)
{
    slot->check = check;
    slot->is_done = false;
    slot->stop.hangs_up = checker.thread.stop_pipe[0];
    slot->stop.connection = -1;
    const int rv = pthread_create(&slot->thread, NULL, run_check, slot);
    if (rv != 0) {
        slot->check = NULL;
        ap_log_error(APLOG_MARK, APLOG_WARNING, rv, checker.server, FCLOGNO(0350)
                     "%s: cannot start a thread for its check; other checks wait", check->name);
        fc_condition_unlock(&checker.condition);
        make_check(check, &slot->stop);
        fc_condition_lock(&checker.condition);
    }
}

/* returns  us until something is due */
static apr_interval_time_t start_due(void)
{
    apr_interval_time_t wait = AT_MOST_US;
    slot_t *slot;

    while (!checker.is_stopping && (slot = join_done()) != NULL) {
        const lb_check_t *check = checks_next(&wait);
        if (!check) {
            return wait < AT_MOST_US ? wait : AT_MOST_US;
        }
        start_check(slot, check);
    }
    return AT_MOST_US;    /* all are busy: the first that is done wakes us */
}

/* Signals are for httpd's own threads. */
static void block_signals(void)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
}

static void *APR_THREAD_FUNC run_checker(apr_thread_t *thread, void *unused)
{
    block_signals();    /* the threads of the checks inherit that */
    fc_condition_lock(&checker.condition);
    while (!checker.is_stopping) {
        const apr_interval_time_t wait = start_due();
        if (!checker.is_stopping) {
            fc_condition_wait_for(&checker.condition, wait);
        }
    }
    join_all();
    fc_condition_unlock(&checker.condition);
    return NULL;
}

/* ---- Start and end --------------------------------------------------------------------------- */

/* With the lock held. A descriptor that was closed just now may belong to another check. */
static void stop_all(void)
{
    fc_duty_thread_tell(&checker.thread);
    for (int i = 0; i < CHECKS_AT_ONCE; i++) {
        const int fd = checker.slots[i].check ? checker.slots[i].stop.connection : -1;
        if (fd >= 0) {
            (void)shutdown(fd, SHUT_RDWR);
        }
    }
}

static void stop(void)
{
    fc_condition_lock(&checker.condition);
    checker.is_stopping = true;
    stop_all();
    fc_condition_signal(&checker.condition);
    fc_condition_unlock(&checker.condition);
    fc_duty_thread_join(&checker.thread);
}

static void say_it_cannot(apr_status_t rv)
{
    ap_log_error(APLOG_MARK, APLOG_WARNING, rv, checker.server, FCLOGNO(0352)
                 "this child process cannot check members");
}

static bool start(void)
{
    checker.is_stopping = false;
    const apr_status_t rv = fc_duty_thread_start(&checker.thread, run_checker);
    if (rv != APR_SUCCESS) {
        say_it_cannot(rv);
        return false;
    }
    ap_log_error(APLOG_MARK, APLOG_DEBUG, 0, checker.server, FCLOGNO(0351)
                 "checks: this process makes them from now on");
    return true;
}

void fcgi_check_thread_start(apr_pool_t *pchild, server_rec *s)
{
    static fc_duty_task_t work = { .duty = &duty, .start = start, .stop = stop };

    if (!checks_count || checks_count() == 0) {
        return;
    }
    checker.server = s;
    apr_status_t rv = fc_condition_init(&checker.condition);
    if (rv == APR_SUCCESS) {
        rv = fc_duty_task_add(&work, pchild);
    }
    if (rv != APR_SUCCESS) {
        say_it_cannot(rv);
    }
}
