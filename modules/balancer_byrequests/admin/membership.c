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
#include "panic.h"
#include "row_key.h"
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

    if (fc_worker_url_behind_socket(url) != url || lb_member_template_url_mistake(url)
        || apr_uri_parse(p, url, &uri) != APR_SUCCESS || !uri.hostname || !*uri.hostname) {
        return NULL;
    }
    const apr_status_t rv = apr_sockaddr_info_get(&found, uri.hostname, APR_UNSPEC, 0, 0, p);
    return rv == APR_SUCCESS ? NULL
                             : apr_psprintf(p, "%s: this server cannot resolve the name: %s",
                                            uri.hostname, apr_strerror(rv, text, sizeof(text)));
}

/* Two members of one name are one for mod_proxy. */
static lb_member_t find_name(const lb_balancer_t *balancer, const char *name)
{
    lb_member_t member;

    for (int i = 0; lb_member_next(balancer, &i, &member);) {
        if (strcmp(member.worker->s->name_ex, name) == 0) {
            return member;
        }
    }
    return (lb_member_t){ 0 };
}

lb_member_t lb_membership_find(apr_pool_t *p, const lb_balancer_t *balancer, const char *url)
{
    proxy_worker *like_it;

    if (lb_member_template_define(p, &like_it, balancer, url)) {
        return (lb_member_t){ 0 };
    }
    return find_name(balancer, like_it->s->name_ex);
}

/* ---- Checks ---------------------------------------------------------------------------------- */

const char *lb_membership_check_new(apr_pool_t *p, const lb_balancer_t *balancer, const char *url)
{
    const proxy_balancer *proxy = balancer->proxy;
    proxy_worker *like_it;
    const char *err = lb_member_template_define(p, &like_it, balancer, url);

    if (err) {
        return err;
    }
    const lb_member_t other = find_name(balancer, like_it->s->name_ex);
    if (other.worker) {
        return apr_psprintf(p,
                            lb_member_leaves(&other)
                                ? "%s is still removing member %s: it has requests in flight"
                                : "%s already has a member %s",
                            proxy->s->name, like_it->s->name_ex);
    }
    if (proxy->storage->num_free_slots(proxy->wslot) == 0) {
        return apr_psprintf(p, "%s has no free slot for a new member; add some with "
                               "ProxySet growth=N and restart",
                            proxy->s->name);
    }
    return NULL;
}

bool lb_membership_is_leaving(apr_pool_t *p, const lb_balancer_t *balancer, const char *url)
{
    const lb_member_t member = lb_membership_find(p, balancer, url);
    return member.worker && lb_member_leaves(&member);
}

const char *lb_membership_check_move(apr_pool_t *p, const lb_member_t *member, const char *address)
{
    const proxy_worker_shared *s = member->worker->s;

    if (*s->uds_path) {
        return apr_psprintf(p, "%s is on a unix socket and has no host and port; add another "
                               "member and remove this one",
                            s->name_ex);
    }
    if (lb_member_leaves(member)) {
        return apr_psprintf(p, "%s is being removed", s->name_ex);
    }
    return lb_membership_check_new(p, member->balancer,
                                   lb_member_template_moved_url(p, s->name_ex, address));
}

/* ---- Slots ----------------------------------------------------------------------------------- */

/* Write a slot's new owner. `shared` is complete but for its index. */
static void give_slot(const lb_balancer_t *balancer, int index, proxy_worker_shared *shared,
                      uint32_t origin)
{
    const proxy_balancer *proxy = balancer->proxy;
    lb_slot_t *slot = &balancer->roster->slots[index];
    lb_member_row_t *row = balancer->member_rows[index];
    proxy_worker_shared *memory = NULL;

    proxy->storage->dptr(proxy->wslot, (unsigned int)index, (void **)&memory);
    atomic_fetch_add(&slot->generation, 1);
    shared->index = index;
    shared->updated = apr_time_now();
    shared->was_malloced = 0;
    memcpy(memory, shared, sizeof(*memory));
    lb_table_reset_member(balancer->ledger->table, row);
    lb_member_config_set_limits(
        row, lb_member_params_written(origin ? balancer->roster->configured[origin - 1].worker
                                             : balancer->owner->template));
    atomic_store(&row->key, lb_row_key_of_member(balancer, shared));
    atomic_store(&slot->bytes_sent_seen, 0);
    atomic_store(&slot->bytes_read_seen, 0);
    lb_member_counters_begin_slot(balancer, index);
    atomic_store(&slot->origin, origin);
    atomic_store(&slot->leaves_since, 0);
    atomic_fetch_add(&slot->generation, 1);
}

static const char *seat_new(apr_pool_t *p, const lb_balancer_t *balancer,
                            proxy_worker_shared *shared, uint32_t origin)
{
    const proxy_balancer *proxy = balancer->proxy;
    unsigned int index;

    if (proxy->storage->grab(proxy->wslot, &index) != APR_SUCCESS) {
        return apr_psprintf(p, "%s: no shared memory for the new member", shared->name_ex);
    }
    give_slot(balancer, (int)index, shared, origin);
    lb_balancer_members_changed(balancer);
    return NULL;
}

static void free_slot(const lb_balancer_t *balancer, int index, proxy_worker_shared *shared)
{
    const proxy_balancer *proxy = balancer->proxy;
    lb_slot_t *slot = &balancer->roster->slots[index];

    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, balancer->server, FCLOGNO(0462)
                 "%s: member %s: removed, its last request has ended", proxy->s->name,
                 shared->name_ex);
    atomic_fetch_add(&slot->generation, 1);
    shared->hash.def = shared->hash.fnv = 0;    /* nobody's; see ap_proxy_sync_balancer() */
    shared->method = NONE;
    atomic_store(&slot->origin, 0);
    atomic_store(&slot->leaves_since, 0);
    atomic_store(&balancer->member_rows[index]->key, lb_row_key_of_slot(balancer, index));
    atomic_fetch_add(&slot->generation, 1);
    proxy->storage->release(proxy->wslot, (unsigned int)index);
}

/* Under the ledger's lock: whoever takes a right on it later sees that it leaves. */
static bool is_at_rest(const lb_balancer_t *balancer, const lb_member_row_t *row)
{
    lb_ledger_lock(balancer->ledger->table);
    const bool is_used = atomic_load(&row->in_flight) > 0 || atomic_load(&row->waiting) > 0;
    lb_ledger_unlock(balancer->ledger->table);
    return !is_used;
}

int lb_membership_free_left(const lb_balancer_t *balancer)
{
    const proxy_balancer *proxy = balancer->proxy;
    const apr_time_t now = fc_now();
    int freed = 0, waiting = 0;

    for (int i = 0; i < balancer->roster->count; i++) {
        lb_slot_t *slot = &balancer->roster->slots[i];
        const apr_time_t since = atomic_load(&slot->leaves_since);
        proxy_worker_shared *shared;

        if (since == 0
            || proxy->storage->dptr(proxy->wslot, (unsigned int)i, (void **)&shared) != APR_SUCCESS
            || (!shared->hash.def && !shared->hash.fnv)) {
            continue;
        }
        if (now - since < REST || !is_at_rest(balancer, balancer->member_rows[i])) {
            waiting++;
            continue;
        }
        free_slot(balancer, i, shared);
        freed++;
    }
    if (freed) {
        lb_balancer_members_changed(balancer);
    }
    return waiting;
}

/* ---- Changes --------------------------------------------------------------------------------- */

const char *lb_membership_add(apr_pool_t *p, const lb_balancer_t *balancer, const char *url)
{
    proxy_worker *newcomer;
    const char *err = lb_member_template_define(p, &newcomer, balancer, url);

    if (err) {
        return err;
    }
    newcomer->s->status = PROXY_WORKER_DISABLED;
    return seat_new(p, balancer, newcomer->s, 0);
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

const char *lb_membership_move(apr_pool_t *p, const lb_member_t *member, const char *address,
                               const char **moved)
{
    const lb_balancer_t *balancer = member->balancer;
    const proxy_worker_shared *s = member->worker->s;
    const char *url = lb_member_template_moved_url(p, s->name_ex, address);
    const uint32_t origin = atomic_load(&balancer->roster->slots[s->index].origin);
    proxy_worker *there;
    const char *err = lb_member_template_define(p, &there, balancer, url);

    if (err) {
        return err;
    }
    take_settings(there->s, s);
    err = seat_new(p, balancer, there->s, origin);
    if (!err) {
        take_limits(balancer->member_rows[there->s->index], member->row);
        lb_membership_remove(member);
        *moved = there->s->name_ex;
    }
    return err;
}

void lb_membership_remove(const lb_member_t *member)
{
    proxy_worker_shared *s = member->worker->s;
    lb_slot_t *slot = &member->balancer->roster->slots[s->index];

    lb_member_change_status(member, GONE, 0);
    if (atomic_load(&slot->leaves_since) == 0) {
        atomic_store(&slot->leaves_since, fc_now());
    }
    lb_panic_let_go(member, member->balancer->server);
    lb_balancer_members_changed(member->balancer);
}
