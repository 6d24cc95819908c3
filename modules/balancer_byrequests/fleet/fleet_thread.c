/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_thread.c - see fleet_thread.h.
 *
 * Invariant: no request waits for this thread, whatever the engine does. */
#include "fleet_thread.h"

#include <assert.h>
#include <poll.h>

#include "apr_signal.h"
#include "apr_strings.h"
#include "board.h"
#include "clock.h"
#include "duty_task.h"
#include "duty_thread.h"
#include "exchange_table.h"
#include "fastcgi_log.h"
#include "http_core.h"
#include "http_log.h"
#include "http_main.h"
#include "share_front.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

#define PAUSE_US      apr_time_from_msec(20)  /* between two rounds, however often it rings */
#define RETRY_MAX_US  apr_time_from_sec(5)    /* while the engine is away */

/* Fronts that were alone are back before others who do not know of them found a fleet. */
static_assert(RETRY_MAX_US * 5 / 4 + apr_time_from_sec(2) < LB_SHARE_FOUNDING_US,
              "they try again in time");

static fc_duty_t duty;

static struct {
    const lb_fleet_settings_t *settings;
    fc_duty_thread_t thread;
    lb_engine_t *engine;
    apr_interval_time_t next_in;      /* us until the next round, if sooner than usual; 0: not */
    apr_interval_time_t retry;        /* 0: the last round went well */
} talker;

int lb_fleet_thread_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                server_rec *s)
{
    const lb_fleet_settings_t *settings = lb_fleet_settings();
    apr_pool_t *process = s->process->pool;

    if (!settings) {
        return OK;
    }
    apr_status_t rv = lb_board_open(process, settings);
    if (rv == APR_SUCCESS) {
        rv = fc_duty_open(&duty, "balancer_byrequests.fleet", process);
    }
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, FCLOGNO(0565)
                     "BalancerFleet: no shared memory for what this front knows of its fleet");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    talker.settings = settings;
    if (settings->secret.bytes == 0 && ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_CONFIG) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s, FCLOGNO(0563)
                     "BalancerFleet: without secretfile=, whoever can write to %s can change this "
                     "cluster",
                     settings->url_text);
    }
    return OK;
}

/* ---- The engine comes and goes --------------------------------------------------------------- */

static void all_lost(apr_pool_t *p)
{
    for (int i = 0; lb_exchange_table[i]; i++) {
        if (lb_exchange_table[i]->lost) {
            lb_exchange_table[i]->lost(p);
        }
    }
}

static void note_up(void)
{
    lb_board_state_t state = lb_board_state();
    const apr_time_t now = fc_now();

    if (!state.is_up) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, ap_server_conf, FCLOGNO(0561)
                     "fleet %s: %s meets the other fronts at %s", talker.settings->name,
                     talker.settings->front, lb_engine_server(talker.engine));
        state.is_up = true;
        state.since = now;
        state.fault = LB_FAULT_NONE;
        state.reason[0] = '\0';
    }
    apr_cpystrn(state.server, lb_engine_server(talker.engine), sizeof(state.server));
    state.contact_at = now;
    state.rounds++;
    lb_board_set_state(&state);
}

/* One line: not for each try that fails, and not for another fault meanwhile. */
static void note_away(apr_pool_t *p, lb_fault_t fault, const char *reason)
{
    lb_board_state_t state = lb_board_state();
    const bool is_news = state.is_up || state.fault == LB_FAULT_NONE;

    if (state.is_up) {
        state.since = fc_now();
    }
    state.is_up = false;
    state.fault = fault;
    apr_cpystrn(state.reason, reason, sizeof(state.reason));
    state.failed_rounds++;
    lb_board_set_state(&state);
    if (is_news) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, ap_server_conf, FCLOGNO(0560)
                     "fleet %s: %s is alone and goes on with what it knows: %s (%s)",
                     talker.settings->name, talker.settings->front, reason,
                     lb_engine_fault_word(fault));
        all_lost(p);
    }
}

/* ---- A round --------------------------------------------------------------------------------- */

static bool perform(lb_fleet_round_t *round, lb_engine_t *engine)
{
    for (int i = 0; lb_exchange_table[i]; i++) {
        lb_exchange_table[i]->before(round);
    }
    return lb_round_perform(round, engine);
}

static void look_at_answers(lb_fleet_round_t *round)
{
    for (int i = 0; lb_exchange_table[i]; i++) {
        if (lb_exchange_table[i]->after) {
            lb_exchange_table[i]->after(round);
        }
    }
    talker.next_in = round->next_in;
}

/* What rows have to do at once, after they have looked.
 * returns  false: the engine is away */
static bool go_on(apr_pool_t *p, lb_engine_t *engine)
{
    for (int i = 0; lb_exchange_table[i]; i++) {
        const lb_exchange_t *row = lb_exchange_table[i];
        while (row->goes_on && row->goes_on()) {
            lb_fleet_round_t *round = lb_round_begin(p, talker.settings);
            row->before(round);
            if (!lb_round_perform(round, engine)) {
                return false;
            }
            row->after(round);
            talker.next_in = round->next_in ? round->next_in : talker.next_in;
        }
    }
    return true;
}

static void note_failure(apr_pool_t *p, lb_engine_t *engine)
{
    if (lb_engine_fault(engine) != LB_FAULT_STOPPED) {
        note_away(p, lb_engine_fault(engine), lb_engine_reason(engine));
    }
}

static void run_round(apr_pool_t *p)
{
    lb_engine_t *engine = talker.engine;
    lb_fleet_round_t *round;

    talker.next_in = 0;
    if (!lb_engine_connect(engine, p)
        || !perform(round = lb_round_begin(p, talker.settings), engine)) {
        note_failure(p, engine);
    }
    else if (round->has_twin) {
        note_away(p, LB_FAULT_NAME_TAKEN,
                  apr_psprintf(p, "another httpd calls itself %s too: use front=",
                               talker.settings->front));
    }
    else {
        note_up();
        look_at_answers(round);
        if (!go_on(p, engine)) {
            note_failure(p, engine);
        }
    }
}

/* A quarter more or less: fronts that lost the engine together do not come back together. */
static apr_interval_time_t with_jitter(apr_interval_time_t wait)
{
    unsigned char random = 0;

    apr_generate_random_bytes(&random, 1);
    return wait * 3 / 4 + wait * random / 512;
}

/* returns  us until the next round */
static apr_interval_time_t run_and_plan(apr_pool_t *p)
{
    const apr_interval_time_t interval = talker.settings->interval;

    run_round(p);
    if (lb_board_state().is_up) {
        talker.retry = 0;
        return talker.next_in > PAUSE_US && talker.next_in < interval ? talker.next_in : interval;
    }
    talker.retry = talker.retry == 0                 ? interval
                   : talker.retry * 2 > RETRY_MAX_US ? RETRY_MAX_US
                                                     : talker.retry * 2;
    return with_jitter(talker.retry);
}

/* ---- The thread ------------------------------------------------------------------------------ */

/* Until the time is over, somebody rings, or the thread is to end.
 * returns  false: it is to end */
static bool wait_for(apr_interval_time_t at_most, bool hears_bell)
{
    struct pollfd fds[] = { { .fd = talker.thread.stop_pipe[0], .events = POLLIN },
                            { .fd = hears_bell ? lb_board_bell() : -1, .events = POLLIN } };

    return poll(fds, 2, (int)(at_most / 1000)) <= 0 || !fds[0].revents;
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *unused)
{
    apr_pool_t *p, *pass;    /* the thread's; for one round */
    apr_interval_time_t wait;

    apr_setup_signal_thread();    /* signals are the main thread's */
    apr_pool_create(&p, NULL);
    apr_pool_tag(p, "balancer_fleet");
    apr_pool_create(&pass, p);
    talker.engine = lb_engine_create(p, talker.settings, talker.thread.stop_pipe[0]);
    talker.retry = 0;
    do {
        lb_board_hush();
        wait = run_and_plan(pass);
        apr_pool_clear(pass);
    } while (wait_for(PAUSE_US, false) && wait_for(wait - PAUSE_US, talker.retry == 0));
    lb_engine_disconnect(talker.engine);
    apr_pool_destroy(p);
    return NULL;
}

static void say_it_cannot(apr_status_t rv)
{
    ap_log_error(APLOG_MARK, APLOG_WARNING, rv, ap_server_conf, FCLOGNO(0564)
                 "fleet: this child process cannot talk to the other fronts");
}

static void stop(void)
{
    fc_duty_thread_tell(&talker.thread);
    fc_duty_thread_join(&talker.thread);
}

static bool start(void)
{
    const apr_status_t rv = fc_duty_thread_start(&talker.thread, run);

    if (rv != APR_SUCCESS) {
        say_it_cannot(rv);
    }
    return rv == APR_SUCCESS;
}

void lb_fleet_thread_child_init(apr_pool_t *pchild, server_rec *s)
{
    static fc_duty_task_t work = { .duty = &duty, .start = start, .stop = stop };

    if (!talker.settings) {
        return;
    }
    const apr_status_t rv = fc_duty_task_add(&work, pchild);
    if (rv != APR_SUCCESS) {
        say_it_cannot(rv);
    }
}
