/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* startup.c - see startup.h. */
#include "startup.h"

#include "ap_provider.h"
#include "apr_strings.h"
#include "fastcgi_log.h"
#include "http_log.h"
#include "httpd.h"
#include "member.h"
#include "member_counters.h"
#include "member_template.h"
#include "setting.h"
#include "slate.h"
#include "state_keeper.h"
#include "state_restoring.h"
#include "table_segments.h"
#include "util_mutex.h"
#include "wall_clock.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

static ap_slotmem_provider_t *slotmem;

/* ---- mod_proxy's shared structs, through mod_slotmem_shm ---------------------------------- */

/* An id for a virtual host that stays the same over restarts: its first address, port and name;
 * `index` tells apart those that share all three. */
static const char *vhost_id(apr_pool_t *p, server_rec *s, int index)
{
    const char *host = s->addrs ? s->addrs->virthost : "";
    const char *name = s->server_hostname ? s->server_hostname : "";
    const int port = s->addrs ? s->addrs->host_port : 0;
    const char *text = apr_psprintf(p, "%s:%d/%s#%d", host, port, name, index);
    return apr_psprintf(p, "p%x", ap_proxy_hashfunc(text, PROXY_HASHFUNC_DEFAULT));
}

static const char *vhost_name(apr_pool_t *p, server_rec *s)
{
    const apr_port_t port = s->port    ? s->port
                            : s->addrs ? s->addrs->host_port
                                       : 0;
    const char *name = s->server_hostname ? s->server_hostname : "_default_";
    return port ? apr_psprintf(p, "%s:%d", name, port) : apr_pstrdup(p, name);
}

static int slot_failed(server_rec *s, const char *name, const char *step, apr_status_t rv)
{
    ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, FCLOGNO(0402)
                 "%s: %s failed in mod_slotmem_shm; is DefaultRuntimeDir writable, with free "
                 "space?",
                 name, step);
    return !OK;
}

/* The slot that already holds `found`, else a new one. */
static apr_status_t take_slot(ap_slotmem_instance_t *slots, bool was_found, unsigned int *index,
                              void **memory)
{
    if (was_found) {
        return slotmem->fgrab(slots, *index);
    }
    apr_status_t rv = slotmem->grab(slots, index);
    return rv == APR_SUCCESS ? slotmem->dptr(slots, *index, memory) : rv;
}

static int share_balancer(proxy_server_conf *conf, proxy_balancer *proxy, server_rec *s)
{
    unsigned int index = 0;
    void *memory = ap_proxy_find_balancershm(slotmem, conf->bslot, proxy, &index);
    apr_status_t rv = take_slot(conf->bslot, memory != NULL, &index, &memory);

    if (rv != APR_SUCCESS) {
        return slot_failed(s, proxy->s->name, "taking a slot", rv);
    }
    rv = ap_proxy_share_balancer(proxy, memory, (int)index);
    return rv == APR_SUCCESS ? OK : slot_failed(s, proxy->s->name, "sharing the balancer", rv);
}

static int share_member(proxy_balancer *proxy, proxy_worker *worker, server_rec *s, apr_time_t now)
{
    unsigned int index = 0;

    /* mod_proxy's array of balancers moves while it grows: it may point to where nobody is */
    worker->balancer = proxy;
    void *memory = ap_proxy_find_workershm(slotmem, proxy->wslot, worker, &index);
    apr_status_t rv = take_slot(proxy->wslot, memory != NULL, &index, &memory);

    if (rv != APR_SUCCESS) {
        return slot_failed(s, worker->s->name_ex, "taking a slot", rv);
    }
    rv = ap_proxy_share_worker(worker, memory, (int)index);
    if (rv != APR_SUCCESS) {
        return slot_failed(s, worker->s->name_ex, "sharing the member", rv);
    }
    worker->s->updated = now;
    return OK;
}

/* Room for all members that can ever be added, so that the array never moves. */
static void reserve_members(proxy_balancer *proxy)
{
    while (proxy->workers->nalloc < proxy->max_workers) {
        const int used = proxy->workers->nelts;
        while (proxy->workers->nelts < proxy->max_workers) {
            APR_ARRAY_PUSH(proxy->workers, proxy_worker *) = NULL;
        }
        proxy->workers->nelts = used;
    }
}

/* As many as there are other members. Of sources nobody knows how many there will be: then it is
 * the most that an operator may set, and no member is asked twice anyway. */
static void default_attempts(const lb_balancer_t *balancer, proxy_balancer *proxy)
{
    const bool has_sources = balancer->sources->nelts > 0;

    if (!proxy->s->max_attempts_set && (proxy->workers->nelts > 1 || has_sources)) {
        proxy->s->max_attempts = has_sources ? (int)lb_settings[LB_SETTING_MAX_ATTEMPTS].max
                                             : proxy->workers->nelts - 1;
        proxy->s->max_attempts_set = 1;
    }
}

static int share_members(apr_pool_t *pconf, lb_balancer_t *balancer, server_rec *s)
{
    const apr_time_t now = apr_time_now();
    proxy_balancer *proxy = balancer->proxy;

    apr_status_t rv = ap_global_mutex_create(&proxy->gmutex, NULL, LB_BALANCER_MUTEX_TYPE,
                                             proxy->s->sname, s, pconf, 0);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, FCLOGNO(0403)
                     "%s: cannot create a mutex of type %s: see the Mutex directive",
                     proxy->s->name, LB_BALANCER_MUTEX_TYPE);
        return !OK;
    }
    rv = slotmem->create(&proxy->wslot, proxy->s->sname, ALIGNED_PROXY_WORKER_SHARED_SIZE,
                         (unsigned int)proxy->max_workers, 0, pconf);
    if (rv != APR_SUCCESS) {
        return slot_failed(s, proxy->s->name, "creating the slots for its members", rv);
    }
    proxy->storage = slotmem;
    proxy->wupdated = proxy->s->wupdated = now;
    for (int i = 0; i < proxy->workers->nelts; i++) {
        if (share_member(proxy, APR_ARRAY_IDX(proxy->workers, i, proxy_worker *), s, now) != OK) {
            return !OK;
        }
    }
    reserve_members(proxy);
    default_attempts(balancer, proxy);
    return OK;
}

/* A virtual host inherits a balancer of the main server: the members are the same. */
static void adopt_members(proxy_balancer *proxy, lb_balancer_t *balancer)
{
    const proxy_balancer *base = balancer->proxy;

    proxy->wslot = base->wslot;
    proxy->storage = base->storage;
    proxy->gmutex = base->gmutex;
    proxy->max_workers = base->max_workers;
    proxy->wupdated = base->wupdated;
    proxy->context = balancer;
}

/* The one setting that mod_proxy does not take from the main server when nobody wrote it here; it
 * cannot tell its default byrequests from a written one. */
static void adopt_method(proxy_balancer *proxy, const lb_balancer_t *base)
{
    if (strcmp(proxy->s->lbpname, "byrequests") == 0) {
        PROXY_STRNCPY(proxy->s->lbpname, base->baseline->lbpname);
        proxy->lbmethod = ap_lookup_provider(PROXY_LBMETHOD, proxy->s->lbpname, "0");
    }
}

static lb_balancer_t *new_balancer(apr_pool_t *pconf, proxy_balancer *proxy, server_rec *s)
{
    const proxy_server_conf *conf = ap_get_module_config(s->module_config, &proxy_module);
    lb_balancer_t *balancer = apr_pcalloc(pconf, sizeof(*balancer));

    balancer->id = lb_balancer_all()->nelts + 1;
    balancer->server = s;
    balancer->vhost = vhost_name(pconf, s);
    balancer->proxy = proxy;
    balancer->settings = lb_balancer_settings_of(s, proxy);
    balancer->configured = proxy->s;
    balancer->is_persistent = conf->bal_persist != 0;
    return balancer;
}

/* What the balancer's settings are before anybody changes them. */
static void note_baseline(apr_pool_t *pconf, lb_balancer_t *balancer)
{
    balancer->baseline = apr_pmemdup(pconf, balancer->proxy->s, sizeof(*balancer->baseline));
}

/* The name of its slot, by which a restart finds it. */
static void name_slot(apr_pool_t *pconf, const proxy_server_conf *conf, proxy_balancer *proxy)
{
    const char *name;

    ap_pstr2_alnum(pconf, proxy->s->name + sizeof(BALANCER_PREFIX) - 1, &name);
    PROXY_STRNCPY(proxy->s->sname, apr_pstrcat(pconf, conf->id, "_", name, NULL));
}

/* Of a ProxyPass line's own parameters mod_proxy has made settings for this virtual host, with the
 * main server's in the place of those that were not written. */
static bool has_own_settings(const proxy_server_conf *conf, const proxy_balancer *proxy,
                             const lb_balancer_t *base, server_rec *s)
{
    const proxy_balancer_shared *own = proxy->s, *theirs = base->baseline;

    return strcmp(own->sticky, theirs->sticky) != 0
           || strcmp(own->sticky_path, theirs->sticky_path) != 0
           || own->sticky_separator != theirs->sticky_separator
           || own->scolonsep != theirs->scolonsep || strcmp(own->lbpname, theirs->lbpname) != 0
           || own->timeout != theirs->timeout
           || (own->max_attempts_set && own->max_attempts != theirs->max_attempts)
           || own->sticky_force != theirs->sticky_force
           || own->forcerecovery != theirs->forcerecovery
           || (own->nonce_set && strcmp(own->nonce, theirs->nonce) != 0)
           || lb_balancer_settings_of(s, proxy) != base->settings
           || (conf->bal_persist && !base->is_persistent);
}

/* Nothing of its own: it is the same balancer. */
static void become_one(proxy_balancer *proxy, lb_balancer_t *base)
{
    if (proxy->s != base->configured && proxy->s->was_malloced) {
        free(proxy->s);    /* as mod_proxy does when it moves settings to shared memory */
    }
    proxy->s = base->proxy->s;
    proxy->lbmethod = base->proxy->lbmethod;
    adopt_members(proxy, base);
}

static int inherit(apr_pool_t *pconf, proxy_server_conf *conf, proxy_balancer *proxy,
                   lb_balancer_t *base, server_rec *s)
{
    if (proxy->s != base->configured) {
        adopt_method(proxy, base);
    }
    if (proxy->s == base->configured || !has_own_settings(conf, proxy, base, s)) {
        become_one(proxy, base);
        return OK;
    }
    lb_balancer_t *balancer = new_balancer(pconf, proxy, s);
    balancer->owner = base->owner;
    balancer->sources = base->sources;
    balancer->roster = base->roster;
    balancer->ledger = base->ledger;
    balancer->generation = base->generation;
    balancer->row = base->row;
    balancer->member_rows = base->member_rows;
    balancer->slots = base->slots;
    name_slot(pconf, conf, proxy);
    if (share_balancer(conf, proxy, s) != OK) {
        return !OK;
    }
    adopt_members(proxy, base);
    proxy->context = balancer;
    proxy->s->wupdated = proxy->wupdated;
    default_attempts(balancer, proxy);
    note_baseline(pconf, balancer);
    lb_state_restoring_balancer(balancer, lb_state_keeper_find(balancer));
    lb_balancer_enter(balancer);
    return OK;
}

static int add_balancer(apr_pool_t *pconf, proxy_server_conf *conf, proxy_balancer *proxy,
                        server_rec *s)
{
    lb_balancer_t *balancer = new_balancer(pconf, proxy, s);
    const lb_saved_balancer_t *saved = lb_state_keeper_find(balancer);

    name_slot(pconf, conf, proxy);
    balancer->owner = balancer;
    const int for_sources = lb_source_slots(proxy->workers);
    balancer->sources = lb_source_take_all(pconf, proxy);
    balancer->slots = proxy->max_workers = proxy->workers->nelts + proxy->growth + for_sources;
    balancer->template = lb_member_template_make(pconf, balancer);
    apr_array_header_t *plan = lb_state_restoring_plan(pconf, balancer, saved);
    if (!balancer->template || !balancer->roster || share_balancer(conf, proxy, s) != OK
        || share_members(pconf, balancer, s) != OK) {
        return !OK;
    }
    note_baseline(pconf, balancer);
    balancer->member_rows =
        apr_pcalloc(pconf, (apr_size_t)balancer->slots * sizeof(*balancer->member_rows));
    proxy->context = balancer;
    lb_balancer_enter(balancer);
    lb_state_restoring_seats(balancer, plan);
    if (!lb_table_segments_claim(s, balancer)) {
        return slot_failed(s, proxy->s->name, "creating the table of its slots", APR_ENOSHMAVAIL);
    }
    lb_state_restoring_balancer(balancer, saved);
    lb_state_restoring_members(balancer, plan);
    return OK;
}

static int add_vhost(apr_pool_t *pconf, server_rec *s, int index)
{
    proxy_server_conf *conf = ap_get_module_config(s->module_config, &proxy_module);

    if (conf->bslot) {
        return OK;    /* a virtual host without proxy directives has the main server's struct */
    }
    conf->id = vhost_id(pconf, s, index);
    conf->storage = slotmem;
    if (conf->balancers->nelts == 0) {
        return OK;
    }
    conf->max_balancers = conf->balancers->nelts + conf->bgrowth;
    apr_status_t rv = slotmem->create(&conf->bslot, conf->id, ALIGNED_PROXY_BALANCER_SHARED_SIZE,
                                      (unsigned int)conf->max_balancers, 0, pconf);
    if (rv != APR_SUCCESS) {
        return slot_failed(s, vhost_name(pconf, s), "creating the slots for its balancers", rv);
    }
    for (int i = 0; i < conf->balancers->nelts; i++) {
        proxy_balancer *proxy = &APR_ARRAY_IDX(conf->balancers, i, proxy_balancer);
        lb_balancer_t *base = lb_balancer_inherited_by(proxy);

        if ((base ? inherit(pconf, conf, proxy, base, s) : add_balancer(pconf, conf, proxy, s))
            != OK) {
            return !OK;
        }
    }
    return OK;
}

/* As they are configured: httpd's list has the main server first, then the last virtual host. */
static int add_vhosts(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *main)
{
    apr_array_header_t *vhosts = apr_array_make(ptemp, 8, sizeof(server_rec *));

    for (server_rec *s = main->next; s; s = s->next) {
        APR_ARRAY_PUSH(vhosts, server_rec *) = s;
    }
    int status = add_vhost(pconf, main, 0);
    for (int i = vhosts->nelts; i > 0 && status == OK; i--) {
        status = add_vhost(pconf, APR_ARRAY_IDX(vhosts, i - 1, server_rec *), i);
    }
    return status;
}

int lb_startup_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *main)
{
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;    /* httpd reads its configuration twice at start; the second one counts */
    }
    slotmem = ap_lookup_provider(AP_SLOTMEM_PROVIDER_GROUP, "shm", AP_SLOTMEM_PROVIDER_VERSION);
    lb_balancer_begin(pconf);
    if (!lb_wall_clock_open(main) || !lb_table_segments_open(main)) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    lb_state_keeper_open(pconf, main);
    if (add_vhosts(pconf, ptemp, main) != OK) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    lb_state_keeper_start(pconf, main);
    return OK;
}

/* ---- In the children ------------------------------------------------------------------------ */

static void attach_balancer(apr_pool_t *pchild, server_rec *s, proxy_balancer *proxy)
{
    lb_member_t member;
    apr_status_t rv = ap_proxy_initialize_balancer(proxy, s, pchild);
    for (int i = 0; rv == APR_SUCCESS && lb_member_next(lb_balancer_of(proxy), &i, &member);) {
        /* the others were removed or moved before this child started: see lb_balancer_sync() */
        if (lb_member_is_admitted(&member)) {
            rv = ap_proxy_initialize_worker(member.worker, s, pchild);
        }
    }
    for (int i = 0; rv == APR_SUCCESS && i < lb_balancer_of(proxy)->sources->nelts; i++) {
        proxy_worker *worker =
            APR_ARRAY_IDX(lb_balancer_of(proxy)->sources, i, lb_source_t).template;
        rv = ap_proxy_initialize_worker(worker, s, pchild);
    }
    if (rv != APR_SUCCESS) {
        /* mod_proxy has said why. Its members are not usable in this child: requests get 503. */
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, FCLOGNO(0405)
                     "%s: this child process cannot attach to the shared memory of the balancer",
                     proxy->s->name);
    }
}

void lb_startup_child_init(apr_pool_t *pchild, server_rec *main)
{
    for (server_rec *s = main; s; s = s->next) {
        proxy_server_conf *conf = ap_get_module_config(s->module_config, &proxy_module);
        for (int i = 0; i < conf->balancers->nelts; i++) {
            proxy_balancer *proxy = &APR_ARRAY_IDX(conf->balancers, i, proxy_balancer);
            /* one array of members, one lock */
            proxy->tmutex = lb_balancer_inherited_by(proxy)->proxy->tmutex;
            lb_balancer_t *balancer = lb_balancer_of(proxy);
            lb_roster_child_init(balancer->roster, pchild);
            lb_slate_child_init(balancer, pchild);
            attach_balancer(pchild, s, proxy);
        }
    }
    lb_state_keeper_child_init(pchild);
}
