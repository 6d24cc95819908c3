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
#include "worker_url.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

/* A request that has just ended may still look at its member; so long its slot rests. */
#define REST apr_time_from_sec(1)

/* Out of elections, sessions and trials, whatever method looks at it. */
#define GONE (PROXY_WORKER_IN_SHUTDOWN | PROXY_WORKER_DISABLED | PROXY_WORKER_STOPPED)

/* The same, and what operators have set stays: it may return. They have no switch for this bit. */
#define GONE_FROM_SOURCE PROXY_WORKER_IN_SHUTDOWN

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

    if (lb_member_template_define(p, &like_it, balancer, balancer->owner->template, url)) {
        return (lb_member_t){ 0 };
    }
    return find_name(balancer, like_it->s->name_ex);
}

static int slots_of(const lb_roster_t *roster, const lb_source_t *source)
{
    int used = 0;

    for (int slot = 0; slot < roster->count; slot++) {
        used += lb_roster_source(roster, slot) == source;
    }
    return used;
}

/* What the source may still use, whether others have left it so many or not. */
static int slots_left(const lb_balancer_t *balancer, const lb_source_t *source)
{
    return lb_discover_params_slots(source->params) - slots_of(balancer->roster, source);
}

int lb_membership_free_slots(const lb_balancer_t *balancer, const lb_source_t *source)
{
    const proxy_balancer *proxy = balancer->proxy;
    int slots = (int)proxy->storage->num_free_slots(proxy->wslot);

    if (source) {
        const int left = slots_left(balancer, source);
        return left < slots ? left : slots;
    }
    for (int i = 0; i < balancer->sources->nelts; i++) {
        slots -= slots_left(balancer, &APR_ARRAY_IDX(balancer->sources, i, lb_source_t));
    }
    return slots;
}

/* ---- Checks ---------------------------------------------------------------------------------- */

const char *lb_membership_check_new(apr_pool_t *p, const lb_balancer_t *balancer, const char *url)
{
    const proxy_balancer *proxy = balancer->proxy;
    proxy_worker *like_it;
    const char *err =
        lb_member_template_define(p, &like_it, balancer, balancer->owner->template, url);

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
    if (lb_membership_free_slots(balancer, NULL) <= 0) {
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

static void give_place(lb_slot_t *slot, const lb_srv_place_t *place)
{
    atomic_store(&slot->given_lbfactor, place->lbfactor);
    atomic_store(&slot->given_set, place->set);
}

static void begin_checks(lb_check_row_t *row, const proxy_worker_shared *shared)
{
    const bool is_out = shared->status & PROXY_WORKER_HC_FAIL;

    atomic_store(&row->is_down, is_out);
    atomic_store(&row->is_new, is_out);
}

/* Write a slot's new owner. `shared` is complete but for its index.
 * place    of a discovered member; NULL: it is none */
static void give_slot(const lb_balancer_t *balancer, int index, proxy_worker_shared *shared,
                      uint32_t origin, const lb_srv_place_t *place)
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
    atomic_store(&slot->origin, origin);
    lb_member_config_set_limits(
        row, lb_member_params_written(lb_balancer_configured_worker(balancer, index)));
    lb_member_config_set_shared(row, balancer);
    atomic_store(&slot->missing_since, 0);
    if (place) {
        give_place(slot, place);
        begin_checks(&row->check, shared);
    }
    atomic_store(&row->key, lb_row_key_of_member(balancer, shared));
    atomic_store(&slot->bytes_sent_seen, 0);
    atomic_store(&slot->bytes_read_seen, 0);
    lb_member_counters_begin_slot(balancer, index);
    atomic_store(&slot->leaves_since, 0);
    atomic_fetch_add(&slot->generation, 1);
}

static const char *seat_new(apr_pool_t *p, const lb_balancer_t *balancer,
                            proxy_worker_shared *shared, uint32_t origin,
                            const lb_srv_place_t *place)
{
    const proxy_balancer *proxy = balancer->proxy;
    unsigned int index;

    if (proxy->storage->grab(proxy->wslot, &index) != APR_SUCCESS) {
        return apr_psprintf(p, "%s: no shared memory for the new member", shared->name_ex);
    }
    give_slot(balancer, (int)index, shared, origin, place);
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

/* returns  how many are still waiting for their last requests */
static int free_left(const lb_balancer_t *balancer)
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

int lb_membership_free_left(const lb_balancer_t *balancer)
{
    const proxy_balancer *proxy = balancer->proxy;
    const lb_roster_t *roster = balancer->roster;
    int waiting = 0;

    for (int i = 0; i < roster->count; i++) {
        waiting += atomic_load(&roster->slots[i].leaves_since) != 0;
    }
    if (waiting) {
        PROXY_GLOBAL_LOCK(proxy);
        waiting = free_left(balancer);
        PROXY_GLOBAL_UNLOCK(proxy);
    }
    return waiting;
}

/* ---- Changes --------------------------------------------------------------------------------- */

const char *lb_membership_add(apr_pool_t *p, const lb_balancer_t *balancer, const char *url)
{
    proxy_worker *newcomer;
    const char *err =
        lb_member_template_define(p, &newcomer, balancer, balancer->owner->template, url);

    if (err) {
        return err;
    }
    newcomer->s->status = PROXY_WORKER_DISABLED;
    return seat_new(p, balancer, newcomer->s, 0, NULL);
}

static bool is_checked(const lb_source_t *source)
{
    const lb_check_params_t *params = lb_check_params_are_ours(source->template)
                                          ? lb_check_params_of(source->template)
                                          : NULL;
    return params && params->is_checked;
}

const char *lb_membership_discover(apr_pool_t *p, const lb_balancer_t *balancer,
                                   const lb_source_t *source, const char *url,
                                   const lb_srv_place_t *place)
{
    proxy_worker *newcomer;
    const char *err = lb_member_template_define(p, &newcomer, balancer, source->template, url);

    if (err) {
        return err;
    }
    newcomer->s->lbfactor = (int)place->lbfactor;
    newcomer->s->lbset = (int)place->set;
    if (is_checked(source)) {
        newcomer->s->status |= PROXY_WORKER_HC_FAIL;
    }
    return seat_new(p, balancer, newcomer->s, lb_roster_origin_of(balancer->roster, source), place);
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
    const char *err =
        lb_member_template_define(p, &there, balancer, balancer->owner->template, url);

    if (err) {
        return err;
    }
    take_settings(there->s, s);
    err = seat_new(p, balancer, there->s, origin, NULL);
    if (!err) {
        take_limits(balancer->member_rows[there->s->index], member->row);
        lb_membership_remove(member);
        *moved = there->s->name_ex;
    }
    return err;
}

void lb_membership_remove(const lb_member_t *member)
{
    lb_slot_t *slot = lb_member_slot(member);

    lb_member_change_status(member, lb_member_source(member) ? GONE_FROM_SOURCE : GONE, 0);
    if (atomic_load(&slot->leaves_since) == 0) {
        atomic_store(&slot->leaves_since, fc_now());
    }
    lb_balancer_members_changed(member->balancer);
}

void lb_membership_return(const lb_member_t *member)
{
    atomic_store(&lb_member_slot(member)->leaves_since, 0);
    lb_member_change_status(member, 0, GONE_FROM_SOURCE);
    lb_balancer_members_changed(member->balancer);
}

static void follow(int *value, uint32_t before, uint32_t now)
{
    int given = (int)before;

    __atomic_compare_exchange_n(value, &given, (int)now, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

bool lb_membership_place(const lb_member_t *member, const lb_srv_place_t *place)
{
    lb_slot_t *slot = lb_member_slot(member);
    const lb_srv_place_t before = { atomic_load(&slot->given_set),
                                    atomic_load(&slot->given_lbfactor) };

    if (before.set == place->set && before.lbfactor == place->lbfactor) {
        return false;
    }
    give_place(slot, place);
    follow(&member->worker->s->lbset, before.set, place->set);
    follow(&member->worker->s->lbfactor, before.lbfactor, place->lbfactor);
    lb_member_note_change(member);
    return true;
}
