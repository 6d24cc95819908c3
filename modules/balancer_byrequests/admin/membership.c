/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* membership.c - see membership.h. */
#include "membership.h"

#include "apr_lib.h"
#include "apr_strings.h"
#include "apr_uri.h"
#include "check_params.h"
#include "clock.h"
#include "fastcgi_log.h"
#include "http_log.h"
#include "member_config.h"
#include "member_counters.h"
#include "member_params.h"
#include "member_template.h"
#include "row_key.h"
#include "status_word.h"
#include "worker_url.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

/* A request that has just ended may still look at its member; so long its slot rests. */
#define REST apr_time_from_sec(1)

/* Out of elections, sessions and trials, whatever method looks at it. */
#define GONE (PROXY_WORKER_IN_SHUTDOWN | PROXY_WORKER_DISABLED | PROXY_WORKER_STOPPED)

const char *lb_membership_check_host(apr_pool_t *p, const char *url)
{
    apr_sockaddr_t *found;
    apr_uri_t uri;
    char text[120];

    if (fcgi_worker_url_behind_socket(url) != url || lb_member_template_url_mistake(url)
        || apr_uri_parse(p, url, &uri) != APR_SUCCESS || !uri.hostname || !*uri.hostname) {
        return NULL;
    }
    const apr_status_t rv = apr_sockaddr_info_get(&found, uri.hostname, APR_UNSPEC, 0, 0, p);
    return rv == APR_SUCCESS ? NULL
                             : apr_psprintf(p, "%s: this server cannot resolve the name: %s",
                                            uri.hostname, apr_strerror(rv, text, sizeof(text)));
}

/* Two members of one name are one for mod_proxy. */
static proxy_worker *find_name(const proxy_balancer *b, const char *name)
{
    for (int i = 0; i < b->workers->nelts; i++) {
        proxy_worker *member = lb_cluster_member(b, i);
        if (member && strcmp(member->s->name_ex, name) == 0) {
            return member;
        }
    }
    return NULL;
}

/* ---- Checks ---------------------------------------------------------------------------------- */

static const char *check_name(apr_pool_t *p, const lb_cluster_t *cluster, const char *url)
{
    const proxy_balancer *b = cluster->balancer;
    proxy_worker *member;
    const char *err = lb_member_template_define(p, &member, cluster, url);

    if (err) {
        return err;
    }
    const proxy_worker *other = find_name(b, member->s->name_ex);
    if (other) {
        return apr_psprintf(p, lb_roster_leaves(cluster->roster, other)
                               ? "%s is still removing member %s: it has requests in flight"
                               : "%s already has a member %s", b->s->name, member->s->name_ex);
    }
    if (b->storage->num_free_slots(b->wslot) == 0) {
        return apr_psprintf(p, "%s has no free slot for a new member; add some with "
                            "ProxySet growth=N and restart", b->s->name);
    }
    return NULL;
}

bool lb_membership_is_leaving(apr_pool_t *p, const lb_cluster_t *cluster, const char *url)
{
    proxy_worker *member;

    if (lb_member_template_define(p, &member, cluster, url) != NULL) {
        return false;
    }
    const proxy_worker *other = find_name(cluster->balancer, member->s->name_ex);
    return other && lb_roster_leaves(cluster->roster, other);
}

const char *lb_membership_check_new(apr_pool_t *p, const lb_cluster_t *cluster, const char *url)
{
    return check_name(p, cluster, url);
}

const char *lb_membership_check_move(apr_pool_t *p, const lb_cluster_t *cluster,
                                     const proxy_worker *member, const char *address)
{
    if (*member->s->uds_path) {
        return apr_psprintf(p, "%s is on a unix socket and has no host and port; add another "
                            "member and remove this one", member->s->name_ex);
    }
    if (lb_roster_leaves(cluster->roster, member)) {
        return apr_psprintf(p, "%s is being removed", member->s->name_ex);
    }
    return check_name(p, cluster,
                      lb_member_template_moved_url(p, member->s->name_ex, address));
}

/* ---- Slots ----------------------------------------------------------------------------------- */

/* Write a slot's new owner. `shared` is complete but for its index. */
static void give_slot(lb_cluster_t *cluster, int index, proxy_worker_shared *shared,
                      uint32_t origin)
{
    const proxy_balancer *b = cluster->balancer;
    lb_slot_t *slot = &cluster->roster->slots[index];
    lb_member_row_t *row = cluster->member_rows[index];
    proxy_worker_shared *memory = NULL;

    b->storage->dptr(b->wslot, (unsigned int)index, (void **)&memory);
    atomic_fetch_add(&slot->generation, 1);
    shared->index = index;
    shared->updated = apr_time_now();
    shared->was_malloced = 0;
    memcpy(memory, shared, sizeof(*memory));
    lb_table_reset_member(cluster->ledger->table, row);
    lb_member_config_set_limits(row, lb_member_params_written(
        origin ? cluster->roster->configured[origin - 1].member : cluster->owner->template));
    atomic_store(&row->key, lb_row_key_of_member(cluster, shared));
    atomic_store(&slot->bytes_sent_seen, 0);
    atomic_store(&slot->bytes_read_seen, 0);
    lb_member_counters_begin_slot(cluster, index);
    atomic_store(&slot->origin, origin);
    atomic_store(&slot->leaves_since, 0);
    atomic_fetch_add(&slot->generation, 1);
}

static const char *seat_new(apr_pool_t *p, lb_cluster_t *cluster, proxy_worker_shared *shared,
                            uint32_t origin)
{
    const proxy_balancer *b = cluster->balancer;
    unsigned int index;

    if (b->storage->grab(b->wslot, &index) != APR_SUCCESS) {
        return apr_psprintf(p, "%s: no shared memory for the new member", shared->name_ex);
    }
    give_slot(cluster, (int)index, shared, origin);
    lb_cluster_members_changed(b);
    return NULL;
}

static void free_slot(lb_cluster_t *cluster, int index, proxy_worker_shared *shared)
{
    const proxy_balancer *b = cluster->balancer;
    lb_slot_t *slot = &cluster->roster->slots[index];

    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, cluster->server, FCLOGNO(0462)
                 "%s: member %s: removed, its last request has ended", b->s->name,
                 shared->name_ex);
    atomic_fetch_add(&slot->generation, 1);
    shared->hash.def = shared->hash.fnv = 0;    /* nobody's; see ap_proxy_sync_balancer() */
    shared->method = NONE;
    atomic_store(&slot->origin, 0);
    atomic_store(&slot->leaves_since, 0);
    atomic_store(&cluster->member_rows[index]->key, lb_row_key_of_slot(cluster, index));
    atomic_fetch_add(&slot->generation, 1);
    b->storage->release(b->wslot, (unsigned int)index);
}

/* Under the ledger's lock: whoever takes a right on it later sees that it leaves. */
static bool is_at_rest(const lb_cluster_t *cluster, const lb_member_row_t *row)
{
    lb_ledger_lock(cluster->ledger->table);
    const bool is_used = atomic_load(&row->in_flight) > 0 || atomic_load(&row->waiting) > 0;
    lb_ledger_unlock(cluster->ledger->table);
    return !is_used;
}

int lb_membership_free_left(lb_cluster_t *cluster)
{
    const proxy_balancer *b = cluster->balancer;
    const apr_time_t now = fcgi_now();
    int freed = 0, waiting = 0;

    for (int i = 0; i < cluster->roster->count; i++) {
        lb_slot_t *slot = &cluster->roster->slots[i];
        const apr_time_t since = atomic_load(&slot->leaves_since);
        proxy_worker_shared *shared;

        if (since == 0
            || b->storage->dptr(b->wslot, (unsigned int)i, (void **)&shared) != APR_SUCCESS
            || (!shared->hash.def && !shared->hash.fnv)) {
            continue;
        }
        if (now - since < REST || !is_at_rest(cluster, cluster->member_rows[i])) {
            waiting++;
            continue;
        }
        free_slot(cluster, i, shared);
        freed++;
    }
    if (freed) {
        lb_cluster_members_changed(b);
    }
    return waiting;
}

/* ---- Changes --------------------------------------------------------------------------------- */

const char *lb_membership_add(apr_pool_t *p, lb_cluster_t *cluster, const char *url)
{
    proxy_worker *member;
    const char *err = lb_member_template_define(p, &member, cluster, url);

    if (err) {
        return err;
    }
    member->s->status = PROXY_WORKER_DISABLED;
    return seat_new(p, cluster, member->s, 0);
}

proxy_worker *lb_membership_find_new(apr_pool_t *p, const lb_cluster_t *cluster, const char *url)
{
    proxy_worker *like_it;

    return lb_member_template_define(p, &like_it, cluster, url)
               ? NULL : find_name(cluster->balancer, like_it->s->name_ex);
}

/* All its settings, none of its numbers. */
static void take_settings(proxy_worker_shared *to, const proxy_worker_shared *from)
{
    const proxy_worker_shared own = *to;

    *to = *from;
    lb_member_template_take_address(to, &own);
    to->status &= ~(unsigned int)(PROXY_WORKER_IN_ERROR | PROXY_WORKER_HC_FAIL);
    to->error_time = 0;
    to->retries = to->lbstatus = to->pcount = to->fcount = 0;
    to->elected = to->busy = 0;
    to->transferred = to->read = 0;
}

/* What operators set in the row. */
static void take_limits(lb_member_row_t *to, const lb_member_row_t *from)
{
    atomic_store(&to->limit, atomic_load(&from->limit));
    atomic_store(&to->queue_limit, atomic_load(&from->queue_limit));
    atomic_store(&to->queue_timeout, atomic_load(&from->queue_timeout));
    atomic_store(&to->drain_until, atomic_load(&from->drain_until));
}

const char *lb_membership_move(apr_pool_t *p, lb_cluster_t *cluster, proxy_worker *member,
                               const char *address, const char **moved)
{
    const char *url = lb_member_template_moved_url(p, member->s->name_ex, address);
    const uint32_t origin = atomic_load(&cluster->roster->slots[member->s->index].origin);
    proxy_worker *there;
    const char *err = lb_member_template_define(p, &there, cluster, url);

    if (err) {
        return err;
    }
    take_settings(there->s, member->s);
    err = seat_new(p, cluster, there->s, origin);
    if (!err) {
        take_limits(cluster->member_rows[there->s->index],
                    cluster->member_rows[member->s->index]);
        lb_membership_remove(cluster, member);
        *moved = there->s->name_ex;
    }
    return err;
}

void lb_membership_remove(lb_cluster_t *cluster, proxy_worker *member)
{
    lb_slot_t *slot = &cluster->roster->slots[member->s->index];

    lb_status_word_change(&member->s->status, GONE, 0);
    if (atomic_load(&slot->leaves_since) == 0) {
        atomic_store(&slot->leaves_since, fcgi_now());
    }
    lb_cluster_members_changed(cluster->balancer);
}
