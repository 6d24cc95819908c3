/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* state_keeper.c - see state_keeper.h. */
#include "state_keeper.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "apr_signal.h"
#include "apr_strings.h"
#include "clock.h"
#include "condition.h"
#include "fastcgi_log.h"
#include "fastcgi_version.h"
#include "http_log.h"
#include "state_file.h"
#include "state_taking.h"
#include "unixd.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

#define SAVE_AGAIN_US apr_time_from_sec(3600)
#define PAUSE_US      (100 * 1000)    /* changes that come together are saved together */

/* What the process pool keeps from one configuration to the next. */
typedef struct {
    apr_pool_t *pool;
    lb_saved_state_t *state;
    bool is_graceful;
} retained_t;

/* A graceful restart after an upgrade loads another release, to which this memory says nothing. */
static const char retained_key[] = "balancer_byrequests.state." FASTCGI_CLUSTER_VERSION;

/* Of this configuration; set in the parent before the children start. */
static struct {
    const char *folder;        /* NULL: no balancer is persistent */
    lb_saved_state_t *state;   /* until start() */
    bool is_graceful;
    apr_time_t saved_at;       /* by the parent */
} keeper;

/* Of this process: a thread as long as there is something to save. */
static struct {
    fc_condition_t condition;    /* is_stopping; its lock guards all below */
    pthread_t thread;
    bool is_there, is_working;   /* has to be joined; will look at is_asked again */
    bool is_asked, is_stopping;
    bool is_open;                /* the condition is */
} saver;

static _Atomic bool has_warned;

/* ---- Saving ---------------------------------------------------------------------------------- */

static const lb_saved_state_t *take_persistent(apr_pool_t *p)
{
    return lb_state_taking_take(p, true);
}

static void save(apr_pool_t *p)
{
    const apr_status_t rv = lb_state_file_save(p, keeper.folder, take_persistent);

    if (rv == APR_SUCCESS) {
        has_warned = false;
    }
    else if (!atomic_exchange(&has_warned, true)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, rv, ap_server_conf, FCLOGNO(0455)
                     "BalancerPersist: cannot save to the directory %s; changes made at run time "
                     "are lost at a full restart",
                     keeper.folder);
    }
}

void lb_state_keeper_save(apr_pool_t *p, const lb_balancer_t *balancer)
{
    if (keeper.folder && (balancer->is_persistent || balancer->owner->is_persistent)) {
        save(p);
    }
}

int lb_state_keeper_monitor(apr_pool_t *p, server_rec *s)
{
    const apr_time_t now = fc_now();

    if (keeper.folder && now - keeper.saved_at > SAVE_AGAIN_US) {
        keeper.saved_at = now;
        apr_pool_t *scratch;
        apr_pool_create(&scratch, p);
        save(scratch);
        apr_pool_destroy(scratch);
    }
    return DECLINED;
}

/* ---- The thread that saves ------------------------------------------------------------------- */

static void *save_as_asked(void *unused)
{
    apr_pool_t *p;

    apr_setup_signal_thread();    /* signals are the main thread's */
    apr_pool_create(&p, NULL);
    apr_pool_tag(p, "balancer_state_saver");
    fc_condition_lock(&saver.condition);
    while (saver.is_asked) {
        if (!saver.is_stopping) {
            fc_condition_wait_for(&saver.condition, PAUSE_US);
        }
        saver.is_asked = false;
        fc_condition_unlock(&saver.condition);
        save(p);
        apr_pool_clear(p);
        fc_condition_lock(&saver.condition);
    }
    saver.is_working = false;
    fc_condition_unlock(&saver.condition);
    apr_pool_destroy(p);
    return NULL;
}

static void join_saver(void)
{
    if (saver.is_there) {
        saver.is_there = false;
        pthread_join(saver.thread, NULL);
    }
}

/* With the lock held. */
static void start_saver(void)
{
    saver.is_there = saver.is_working =
        pthread_create(&saver.thread, NULL, save_as_asked, NULL) == 0;
    if (!saver.is_there) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, ap_server_conf, FCLOGNO(0456)
                     "BalancerPersist: cannot start a thread to save bans; they are saved with "
                     "the next change by an operator");
    }
}

void lb_state_keeper_note_change(void)
{
    if (!saver.is_open) {
        return;
    }
    fc_condition_lock(&saver.condition);
    saver.is_asked = true;
    if (!saver.is_working && !saver.is_stopping) {
        join_saver();    /* with the lock held: it will not take it again */
        start_saver();
    }
    fc_condition_unlock(&saver.condition);
}

static apr_status_t stop_saver(void *unused)
{
    fc_condition_lock(&saver.condition);
    saver.is_stopping = true;
    fc_condition_signal(&saver.condition);
    fc_condition_unlock(&saver.condition);
    join_saver();    /* nobody starts one any more */
    return APR_SUCCESS;
}

void lb_state_keeper_child_init(apr_pool_t *pchild)
{
    saver.is_open = keeper.folder && fc_condition_init(&saver.condition) == APR_SUCCESS;
    if (saver.is_open) {
        apr_pool_pre_cleanup_register(pchild, NULL, stop_saver);
    }
}

/* ---- From one configuration to the next ------------------------------------------------------ */

static retained_t *retained(server_rec *main)
{
    apr_pool_t *process = main->process->pool;
    void *found = NULL;

    apr_pool_userdata_get(&found, retained_key, process);
    if (!found) {
        found = apr_pcalloc(process, sizeof(retained_t));
        apr_pool_userdata_set(found, retained_key, NULL, process);
    }
    return found;
}

static void drop(retained_t *r)
{
    if (r->pool) {
        apr_pool_destroy(r->pool);
    }
    *r = (retained_t){ 0 };
}

/* The configuration pool goes, and with it the shared memory of the members. */
static apr_status_t retain(void *data)
{
    server_rec *main = data;
    retained_t *r = retained(main);

    drop(r);
    apr_pool_create(&r->pool, main->process->pool);
    r->is_graceful = !ap_unixd_mpm_get_retained_data()->is_ungraceful;
    /* after a full restart, what the file has, and no more */
    r->state = lb_state_taking_take(r->pool, !r->is_graceful);
    return APR_SUCCESS;
}

static bool any_is_persistent(const server_rec *s)
{
    for (; s; s = s->next) {
        const proxy_server_conf *conf = ap_get_module_config(s->module_config, &proxy_module);
        if (conf->bal_persist && conf->balancers->nelts > 0) {
            return true;
        }
    }
    return false;
}

void lb_state_keeper_open(apr_pool_t *pconf, server_rec *main)
{
    const retained_t *r = retained(main);

    keeper.state = r->state;
    keeper.is_graceful = r->state && r->is_graceful;
    keeper.folder = any_is_persistent(main) ? lb_state_file_make_folder(pconf, main) : NULL;
    if (!keeper.state && keeper.folder) {
        keeper.state = lb_state_file_load(pconf, keeper.folder, main);
    }
}

const char *lb_state_keeper_folder(void)
{
    return keeper.folder;
}

bool lb_state_keeper_keeps(const lb_balancer_t *balancer)
{
    return keeper.is_graceful || balancer->is_persistent;
}

const lb_saved_balancer_t *lb_state_keeper_find(const lb_balancer_t *balancer)
{
    if (!keeper.state || !lb_state_keeper_keeps(balancer)) {
        return NULL;
    }
    for (int i = 0; i < keeper.state->balancers->nelts; i++) {
        lb_saved_balancer_t *b =
            &APR_ARRAY_IDX(keeper.state->balancers, i, lb_saved_balancer_t);
        if (!b->is_taken && strcmp(b->name, balancer->proxy->s->name) == 0
            && strcmp(b->vhost, balancer->vhost) == 0) {
            b->is_taken = true;
            return b;
        }
    }
    return NULL;
}

void lb_state_keeper_start(apr_pool_t *pconf, server_rec *main)
{
    keeper.state = NULL;
    drop(retained(main));
    apr_pool_pre_cleanup_register(pconf, main, retain);
    if (keeper.folder) {
        apr_pool_t *scratch;
        apr_pool_create(&scratch, pconf);
        save(scratch);
        apr_pool_destroy(scratch);
        keeper.saved_at = fc_now();
    }
}
