/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* cluster.c - see cluster.h. */
#include "cluster.h"

#include "ap_provider.h"
#include "apr_strings.h"
#include "fastcgi_log.h"
#include "http_log.h"
#include "httpd.h"
#include "membership.h"
#include "restore.h"
#include "state_keeper.h"
#include "table_set.h"
#include "util_mutex.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

static ap_slotmem_provider_t *slotmem;
static apr_array_header_t *clusters;

lb_cluster_t *lb_cluster_of(const proxy_balancer *balancer)
{
    return balancer->context;
}

apr_array_header_t *lb_cluster_all(void)
{
    return clusters;
}

proxy_worker *lb_cluster_member(const proxy_balancer *balancer, int i)
{
    /* mod_proxy adds an array entry first and fills it in afterwards; the array was made large
     * enough and zeroed at start, so an unfinished entry reads as NULL. */
    proxy_worker *member = APR_ARRAY_IDX(balancer->workers, i, proxy_worker *);
    return member && member->s && lb_cluster_lists(balancer, member) ? member : NULL;
}

bool lb_cluster_lists(const proxy_balancer *balancer, const proxy_worker *member)
{
    return lb_roster_lists(lb_cluster_of(balancer)->roster, member);
}

const proxy_worker *lb_cluster_configured(const proxy_worker *member)
{
    const lb_cluster_t *cluster = member->balancer ? member->balancer->context : NULL;

    if (!cluster || member == cluster->owner->template) {    /* NULL: configuration is being read */
        return member;
    }
    const lb_configured_t *configured =
        lb_roster_configured(cluster->roster, member->s->index);
    return configured ? configured->member : cluster->owner->template;
}

bool lb_cluster_admits(const proxy_balancer *balancer, const proxy_worker *member)
{
    return lb_roster_admits(lb_cluster_of(balancer)->roster, member);
}

lb_member_row_t *lb_cluster_row(const proxy_balancer *balancer, const proxy_worker *member)
{
    return lb_cluster_of(balancer)->member_rows[member->s->index];
}

uint32_t lb_cluster_index(const proxy_balancer *balancer, const proxy_worker *member)
{
    return lb_table_member_index(lb_cluster_of(balancer)->ledger->table,
                                 lb_cluster_row(balancer, member));
}

proxy_worker *lb_cluster_member_at(const proxy_balancer *balancer, uint32_t index)
{
    for (int i = 0; i < balancer->workers->nelts; i++) {
        proxy_worker *member = lb_cluster_member(balancer, i);
        if (member && lb_cluster_index(balancer, member) == index) {
            return member;
        }
    }
    return NULL;
}

/* Not ap_proxy_sync_balancer(): for it a slot has one owner for ever. */
bool lb_cluster_sync(proxy_balancer *balancer, server_rec *s)
{
    lb_roster_t *roster = lb_cluster_of(balancer)->roster;
    /* roster->seen: mod_proxy_hcheck calls ap_proxy_sync_balancer(), which says that all is seen */
    if (balancer->s->wupdated <= balancer->wupdated && balancer->s->wupdated <= roster->seen) {
        return false;
    }
    PROXY_THREAD_LOCK(balancer);
    const apr_time_t seen = balancer->s->wupdated;
    proxy_balancer_method *method = ap_lookup_provider(PROXY_LBMETHOD, balancer->s->lbpname, "0");
    if (method) {
        balancer->lbmethod = method;
    }
    lb_roster_sync(roster, balancer, s);
    roster->seen = seen > roster->seen ? seen : roster->seen;
    if (balancer->s->need_reset) {
        if (balancer->lbmethod->reset) {
            balancer->lbmethod->reset(balancer, s);
        }
        balancer->s->need_reset = 0;
    }
    balancer->wupdated = seen;
    PROXY_THREAD_UNLOCK(balancer);
    return true;
}

void lb_cluster_members_changed(const proxy_balancer *balancer)
{
    const apr_time_t now = apr_time_now();

    for (int i = 0; i < clusters->nelts; i++) {
        const lb_cluster_t *cluster = APR_ARRAY_IDX(clusters, i, lb_cluster_t *);
        proxy_balancer_shared *shared = cluster->balancer->s;
        if (cluster->balancer->workers == balancer->workers) {
            shared->wupdated = now > shared->wupdated ? now : shared->wupdated + 1;
        }
    }
}

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
    const apr_port_t port = s->port ? s->port : s->addrs ? s->addrs->host_port : 0;
    const char *name = s->server_hostname ? s->server_hostname : "_default_";
    return port ? apr_psprintf(p, "%s:%d", name, port) : apr_pstrdup(p, name);
}

/* The first cluster with the same members: of the balancer itself, or of the one it inherits. */
static lb_cluster_t *inherited_from(const proxy_balancer *b)
{
    for (int i = 0; i < clusters->nelts; i++) {
        lb_cluster_t *cluster = APR_ARRAY_IDX(clusters, i, lb_cluster_t *);
        if (cluster->balancer->workers == b->workers) {
            return cluster;
        }
    }
    return NULL;
}

static int slot_failed(server_rec *s, const char *name, const char *step, apr_status_t rv)
{
    ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, FCLOGNO(0402)
                 "%s: %s failed in mod_slotmem_shm; is DefaultRuntimeDir writable, and is there "
                 "room in it?", name, step);
    return !OK;
}

/* The slot that already holds `found`, else a new one. */
static apr_status_t take_slot(ap_slotmem_instance_t *slots, int was_found, unsigned int *index,
                              void **memory)
{
    if (was_found) {
        return slotmem->fgrab(slots, *index);
    }
    apr_status_t rv = slotmem->grab(slots, index);
    return rv == APR_SUCCESS ? slotmem->dptr(slots, *index, memory) : rv;
}

static int share_balancer(proxy_server_conf *conf, proxy_balancer *b, server_rec *s)
{
    unsigned int index = 0;
    void *memory = ap_proxy_find_balancershm(slotmem, conf->bslot, b, &index);
    apr_status_t rv = take_slot(conf->bslot, memory != NULL, &index, &memory);

    if (rv != APR_SUCCESS) {
        return slot_failed(s, b->s->name, "taking a slot", rv);
    }
    rv = ap_proxy_share_balancer(b, memory, (int)index);
    return rv == APR_SUCCESS ? OK : slot_failed(s, b->s->name, "sharing the balancer", rv);
}

static int share_member(proxy_balancer *b, proxy_worker *member, server_rec *s, apr_time_t now)
{
    unsigned int index = 0;
    void *memory = ap_proxy_find_workershm(slotmem, b->wslot, member, &index);
    apr_status_t rv = take_slot(b->wslot, memory != NULL, &index, &memory);

    if (rv != APR_SUCCESS) {
        return slot_failed(s, member->s->name_ex, "taking a slot", rv);
    }
    rv = ap_proxy_share_worker(member, memory, (int)index);
    if (rv != APR_SUCCESS) {
        return slot_failed(s, member->s->name_ex, "sharing the member", rv);
    }
    member->s->updated = now;
    return OK;
}

/* Room for all members that can ever be added, so that the array never moves. */
static void reserve_members(proxy_balancer *b)
{
    while (b->workers->nalloc < b->max_workers) {
        const int used = b->workers->nelts;
        while (b->workers->nelts < b->max_workers) {
            APR_ARRAY_PUSH(b->workers, proxy_worker *) = NULL;
        }
        b->workers->nelts = used;
    }
}

static void default_attempts(proxy_balancer *b)
{
    if (!b->s->max_attempts_set && b->workers->nelts > 1) {
        b->s->max_attempts = b->workers->nelts - 1;
        b->s->max_attempts_set = 1;
    }
}

static int share_members(apr_pool_t *pconf, lb_cluster_t *cluster, server_rec *s)
{
    const apr_time_t now = apr_time_now();
    proxy_balancer *b = cluster->balancer;

    apr_status_t rv = ap_global_mutex_create(&b->gmutex, NULL, LB_CLUSTER_MUTEX_TYPE, b->s->sname,
                                             s, pconf, 0);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, FCLOGNO(0403)
                     "%s: no mutex of type %s; see the Mutex directive", b->s->name,
                     LB_CLUSTER_MUTEX_TYPE);
        return !OK;
    }
    rv = slotmem->create(&b->wslot, b->s->sname, ALIGNED_PROXY_WORKER_SHARED_SIZE,
                         (unsigned int)b->max_workers, 0, pconf);
    if (rv != APR_SUCCESS) {
        return slot_failed(s, b->s->name, "creating the slots for its members", rv);
    }
    b->storage = slotmem;
    b->wupdated = b->s->wupdated = now;
    for (int i = 0; i < b->workers->nelts; i++) {
        if (share_member(b, APR_ARRAY_IDX(b->workers, i, proxy_worker *), s, now) != OK) {
            return !OK;
        }
    }
    reserve_members(b);
    default_attempts(b);
    return OK;
}

/* A virtual host inherits a balancer of the main server: the members are the same. */
static void adopt_members(proxy_balancer *b, lb_cluster_t *cluster)
{
    const proxy_balancer *base = cluster->balancer;

    b->wslot = base->wslot;
    b->storage = base->storage;
    b->gmutex = base->gmutex;
    b->max_workers = base->max_workers;
    b->wupdated = base->wupdated;
    b->context = cluster;
}

/* mod_proxy cannot tell its default byrequests from a written one; the main server's choice is the
 * one that somebody wrote. */
static void adopt_method(proxy_balancer *b, const lb_cluster_t *cluster, server_rec *s)
{
    const proxy_balancer *base = cluster->balancer;

    if (strcmp(b->s->lbpname, "byrequests") == 0 && strcmp(base->s->lbpname, "byrequests") != 0) {
        PROXY_STRNCPY(b->s->lbpname, base->s->lbpname);
        b->lbmethod = base->lbmethod;
        ap_log_error(APLOG_MARK, APLOG_INFO, 0, s, FCLOGNO(0404)
                     "%s: lbmethod=%s, as in the main server", b->s->name, b->s->lbpname);
    }
}

static lb_cluster_t *new_cluster(apr_pool_t *pconf, proxy_balancer *b, server_rec *s)
{
    const proxy_server_conf *conf = ap_get_module_config(s->module_config, &proxy_module);
    lb_cluster_t *cluster = apr_pcalloc(pconf, sizeof(*cluster));

    cluster->id = clusters->nelts + 1;
    cluster->server = s;
    cluster->vhost = vhost_name(pconf, s);
    cluster->balancer = b;
    cluster->settings = lb_balancer_settings_of(s, b);
    cluster->configured = b->s;
    cluster->is_persistent = conf->bal_persist != 0;
    return cluster;
}

/* What the balancer's settings are before anybody changes them. */
static void note_baseline(apr_pool_t *pconf, lb_cluster_t *cluster)
{
    cluster->baseline = apr_pmemdup(pconf, cluster->balancer->s, sizeof(*cluster->baseline));
}

static int inherit(apr_pool_t *pconf, proxy_server_conf *conf, proxy_balancer *b,
                   lb_cluster_t *base, server_rec *s)
{
    if (b->s == base->configured) {    /* nothing of its own: it is the same balancer */
        b->s = base->balancer->s;
        b->lbmethod = base->balancer->lbmethod;
        adopt_members(b, base);
        return OK;
    }
    lb_cluster_t *cluster = new_cluster(pconf, b, s);
    cluster->owner = base->owner;
    cluster->roster = base->roster;
    cluster->ledger = base->ledger;
    cluster->generation = base->generation;
    cluster->row = base->row;
    cluster->member_rows = base->member_rows;
    cluster->slots = base->slots;
    if (share_balancer(conf, b, s) != OK) {
        return !OK;
    }
    adopt_members(b, base);
    b->context = cluster;
    b->s->wupdated = b->wupdated;
    default_attempts(b);
    adopt_method(b, base, s);
    note_baseline(pconf, cluster);
    lb_restore_balancer(cluster, lb_state_keeper_find(cluster));
    APR_ARRAY_PUSH(clusters, lb_cluster_t *) = cluster;
    return OK;
}

static int add_cluster(apr_pool_t *pconf, proxy_server_conf *conf, proxy_balancer *b,
                       server_rec *s)
{
    lb_cluster_t *cluster = new_cluster(pconf, b, s);
    const lb_saved_balancer_t *saved = lb_state_keeper_find(cluster);

    cluster->owner = cluster;
    cluster->slots = b->max_workers = b->workers->nelts + b->growth;
    cluster->template = lb_membership_make_template(pconf, cluster);
    apr_array_header_t *plan = lb_restore_plan(pconf, cluster, saved);
    if (!cluster->template || !cluster->roster || share_balancer(conf, b, s) != OK
        || share_members(pconf, cluster, s) != OK) {
        return !OK;
    }
    note_baseline(pconf, cluster);
    cluster->member_rows = apr_pcalloc(pconf, (apr_size_t)cluster->slots
                                                  * sizeof(*cluster->member_rows));
    b->context = cluster;
    APR_ARRAY_PUSH(clusters, lb_cluster_t *) = cluster;
    lb_restore_seats(cluster, plan);
    if (!lb_table_set_claim(s, cluster)) {
        return slot_failed(s, b->s->name, "making the table of its slots", APR_ENOSHMAVAIL);
    }
    lb_restore_balancer(cluster, saved);
    lb_restore_members(cluster, plan);
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
        proxy_balancer *b = &APR_ARRAY_IDX(conf->balancers, i, proxy_balancer);
        lb_cluster_t *base = inherited_from(b);
        const char *sname;

        ap_pstr2_alnum(pconf, b->s->name + sizeof(BALANCER_PREFIX) - 1, &sname);
        if (!base || b->s != base->configured) {
            PROXY_STRNCPY(b->s->sname, apr_pstrcat(pconf, conf->id, "_", sname, NULL));
        }
        if ((base ? inherit(pconf, conf, b, base, s)
                  : add_cluster(pconf, conf, b, s)) != OK) {
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

int lb_cluster_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *main)
{
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;    /* httpd reads its configuration twice at start; the second one counts */
    }
    slotmem = ap_lookup_provider(AP_SLOTMEM_PROVIDER_GROUP, "shm", AP_SLOTMEM_PROVIDER_VERSION);
    clusters = apr_array_make(pconf, 8, sizeof(lb_cluster_t *));
    lb_state_keeper_open(pconf, main);

    if (!lb_table_set_open(main)) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    if (add_vhosts(pconf, ptemp, main) != OK) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    lb_state_keeper_start(pconf, main);
    return OK;
}

/* ---- In the children ------------------------------------------------------------------------ */

static void attach_balancer(apr_pool_t *pchild, server_rec *s, proxy_balancer *b)
{
    apr_status_t rv = ap_proxy_initialize_balancer(b, s, pchild);
    for (int i = 0; rv == APR_SUCCESS && i < b->workers->nelts; i++) {
        proxy_worker *member = lb_cluster_member(b, i);
        /* the others were removed or moved before this child started: see lb_cluster_sync() */
        if (member && lb_cluster_admits(b, member)) {
            rv = ap_proxy_initialize_worker(member, s, pchild);
        }
    }
    if (rv != APR_SUCCESS) {
        /* mod_proxy has said why. Its members are not usable in this child: requests get 503. */
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, FCLOGNO(0405)
                     "%s: this child process cannot attach to the shared memory of the balancer",
                     b->s->name);
    }
}

void lb_cluster_child_init(apr_pool_t *pchild, server_rec *main)
{
    for (server_rec *s = main; s; s = s->next) {
        proxy_server_conf *conf = ap_get_module_config(s->module_config, &proxy_module);
        for (int i = 0; i < conf->balancers->nelts; i++) {
            proxy_balancer *b = &APR_ARRAY_IDX(conf->balancers, i, proxy_balancer);
            b->tmutex = inherited_from(b)->balancer->tmutex;    /* one array of members, one lock */
            lb_roster_child_init(lb_cluster_of(b)->roster, pchild);
            attach_balancer(pchild, s, b);
        }
    }
    lb_state_keeper_child_init(pchild, main);
}
