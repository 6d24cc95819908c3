/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* wait_policy.c - see wait_policy.h. */
#include "wait_policy.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "ap_mpm.h"
#include "apr_strings.h"
#include "directive.h"
#include "fastcgi_log.h"
#include "http_core.h"
#include "http_log.h"
#include "park.h"

extern module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;
APLOG_USE_MODULE(proxy_fastcgi);

#define SHARE_DEFAULT 50
#define SHARE_MAX     75    /* or the invariant would not hold */

/* Such a wait parks however few threads wait. Not much less: on a busy machine also a fast backend
 * seems to take some 10 ms, and parking would make it busier. */
#define SLOW_US (100 * 1000)

/* Up to such a wait a thread lingers that is one too many, for twice as long: mostly the answer
 * comes by then. At least for the first of these, as it may not be known how long it will be. */
#define LINGER_US      1000
#define LINGER_LAST_US (10 * 1000)

/* Descriptors of a parked request: the client, the backend, the wait set. */
#define DESCRIPTORS_EACH   3
#define DESCRIPTORS_OTHERS 500    /* logs, listeners, kept and new connections */

static struct {
    const ap_directive_t *from;    /* the last line that was read; NULL: none */
    bool is_off;
    bool refuses;          /* when max is reached; else the request waits in its thread */
    int share;             /* percent; negative: not set */
    int max;               /* of one process; 0: by its descriptors */
} settings = { .share = -1 };

/* Of this process. */
static bool is_on;
static int max_parked;
static int threads_that_may_wait;         /* before requests park */
static int threads_for_rights;            /* see the invariant */
static _Atomic int waiting, waiting_for_rights;

/* ---- Waiting --------------------------------------------------------------------------------- */

static unsigned wait_in_thread(const fcgi_wait_policy_case_t *c)
{
    if (!c->is_for_right) {
        return fcgi_wait_in_thread(c->wait);
    }
    const int before = atomic_fetch_add(&waiting_for_rights, 1);
    const unsigned came = is_on && before >= threads_for_rights && fcgi_park_count() > 0
                              ? FCGI_NO_THREAD
                              : fcgi_wait_in_thread(c->wait);
    atomic_fetch_sub(&waiting_for_rights, 1);
    return came;
}

/* A moment in the thread for what may come in a moment.
 * returns  what came; 0: nothing */
static unsigned linger(const fcgi_wait_policy_case_t *c)
{
    fcgi_wait_t moment = *c->wait;

    moment.timeout = 2 * c->usual > LINGER_US ? 2 * c->usual : LINGER_US;
    if (c->is_for_right || c->usual > LINGER_LAST_US || threads_that_may_wait == 0
        || (c->wait->timeout >= 0 && c->wait->timeout < moment.timeout)) {
        return 0;
    }
    const unsigned came = fcgi_wait_in_thread(&moment);
    if (came != FCGI_TIME_IS_UP) {
        return came;
    }
    if (c->wait->timeout >= 0) {
        c->wait->timeout -= moment.timeout;
    }
    return 0;
}

unsigned fcgi_wait_policy_wait(const fcgi_wait_policy_case_t *c)
{
    const int before = atomic_fetch_add(&waiting, 1);
    const bool may_stay = !is_on || before < threads_that_may_wait;
    unsigned came = c->read_ahead && may_stay ? c->read_ahead(c->baton) : 0;

    if (came == 0 && is_on && c->wait->timeout != 0
        && (c->usual >= SLOW_US || !may_stay)) {
        came = linger(c);
        if (came == 0 && c->park(c->baton)) {
            atomic_fetch_sub(&waiting, 1);
            return 0;
        }
    }
    came = came ? came : wait_in_thread(c);
    atomic_fetch_sub(&waiting, 1);
    return came;
}

bool fcgi_wait_policy_is_crowded(void)
{
    return is_on && settings.refuses && fcgi_park_count() >= max_parked
           && atomic_load(&waiting) >= threads_that_may_wait;
}

int fcgi_wait_policy_threads(void)
{
    return atomic_load(&waiting);
}

/* ---- The directive --------------------------------------------------------------------------- */

static bool set_share(const char *value)
{
    char *end;
    const long share = strtol(value, &end, 10);

    settings.share = (int)share;
    return end > value && share >= 0 && share <= SHARE_MAX
           && (*end == '\0' || (end[0] == '%' && end[1] == '\0'));
}

static bool set_overflow(const char *value)
{
    settings.refuses = ap_cstr_casecmp(value, "refuse") == 0;
    return settings.refuses || ap_cstr_casecmp(value, "wait") == 0;
}

static bool set_word(const char *arg)
{
    if (ap_cstr_casecmp(arg, "on") == 0 || ap_cstr_casecmp(arg, "off") == 0) {
        settings.is_off = ap_cstr_casecmp(arg, "off") == 0;
        return true;
    }
    if (ap_cstr_casecmpn(arg, "share=", 6) == 0) {
        return set_share(arg + 6);
    }
    if (ap_cstr_casecmpn(arg, "max=", 4) == 0) {
        return fc_directive_count(arg + 4, 1, 1000000, &settings.max);
    }
    return ap_cstr_casecmpn(arg, "overflow=", 9) == 0 && set_overflow(arg + 9);
}

static void forget_settings(void)
{
    settings.is_off = settings.refuses = false;
    settings.share = -1;
    settings.max = 0;
}

const char *fcgi_wait_policy_set(cmd_parms *cmd, void *unused, const char *arg)
{
    if (settings.from != cmd->directive) {    /* a line takes the place of the one before */
        settings.from = cmd->directive;
        forget_settings();
    }
    return set_word(arg) ? NULL
                         : apr_psprintf(cmd->pool,
                                        "%s: '%s' is not one of On, Off, share=0%% to share=%d%%, "
                                        "max=count, overflow=wait, overflow=refuse",
                                        cmd->cmd->name, arg, SHARE_MAX);
}

/* ---- What httpd must allow ------------------------------------------------------------------- */

/* The last AsyncRequestWorkerFactor of the configuration; 2 is the MPM's default. */
static double worker_factor(const ap_directive_t *conf)
{
    double factor = 2;

    for (; conf; conf = conf->next) {
        if (conf->first_child) {
            const double inner = worker_factor(conf->first_child);
            factor = inner != 2 ? inner : factor;
        }
        if (ap_cstr_casecmp(conf->directive, "AsyncRequestWorkerFactor") == 0) {
            factor = strtod(conf->args, NULL);
        }
    }
    return factor;
}

static int threads_of_child(void)
{
    int threads = 0;
    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    return threads;
}

static long descriptors(void)
{
    struct rlimit limit = { 0 };

    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > 10000000 ? 10000000
                                                                        : (long)limit.rlim_cur;
}

static int max_by_descriptors(void)
{
    const long left = descriptors() - DESCRIPTORS_OTHERS;
    return left > 0 ? (int)(left / (DESCRIPTORS_EACH + 1)) : 0;
}

static int share_of_threads(void)
{
    return settings.share >= 0 ? settings.share : SHARE_DEFAULT;
}

/* The MPM takes no new client when so many connections are open: the fewer threads are idle, the
 * sooner. */
static long connections_of_child(void)
{
    const int threads = threads_of_child();
    const double idle = threads * (100 - share_of_threads()) / 100.0;
    return (long)(threads + idle * worker_factor(ap_conftree));
}

/* The factor that allows so many. */
static int factor_for(int connections)
{
    const int per_thread = connections / threads_of_child() + 1;
    return per_thread * 100 / (100 - share_of_threads()) + 1;
}

static void say_what_contradicts(server_rec *s)
{
    if (settings.max > connections_of_child()) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s, FCLOGNO(0293)
                     "ProxyFCGIPark max=%d cannot be reached: with ThreadsPerChild %d the MPM "
                     "allows %ld connections per child; use AsyncRequestWorkerFactor %d or "
                     "more",
                     settings.max, threads_of_child(), connections_of_child(),
                     factor_for(settings.max));
    }
    if (settings.max > max_by_descriptors()) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s, FCLOGNO(0294)
                     "ProxyFCGIPark max=%d may need more file descriptors: %ld (ulimit -n) "
                     "are enough for %d parked requests only",
                     settings.max, descriptors(), max_by_descriptors());
    }
}

int fcgi_wait_policy_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    settings.from = NULL;
    forget_settings();
    return OK;
}

int fcgi_wait_policy_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                 server_rec *s)
{
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG || settings.is_off) {
        return OK;
    }
    if (!fcgi_park_mpm_can()) {
        ap_log_error(APLOG_MARK, APLOG_INFO, 0, s, FCLOGNO(0295)
                     "requests wait in their threads: only the event MPM of httpd 2.4.63 and later "
                     "can park them (this is MPM %s)",
                     ap_show_mpm());
        return OK;
    }
    say_what_contradicts(s);
    return OK;
}

void fcgi_wait_policy_child_init(apr_pool_t *pchild, server_rec *s)
{
    const int threads = threads_of_child();

    is_on = !settings.is_off && fcgi_park_mpm_can();
    threads_that_may_wait = threads * share_of_threads() / 100;
    threads_for_rights = threads * SHARE_MAX / 100;
    max_parked = settings.max > 0 ? settings.max : max_by_descriptors();
    if (is_on) {
        fcgi_park_start(pchild, max_parked);
    }
}
