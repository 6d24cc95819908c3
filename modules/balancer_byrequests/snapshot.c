/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* snapshot.c - see snapshot.h. */
#include "snapshot.h"

#include "apr_strings.h"
#include "checks.h"
#include "cluster.h"
#include "drain.h"
#include "health.h"
#include "member_state.h"
#include "operate.h"
#include "provider.h"

/* The worst thing that is true of a member, in one word. */
static const char *state_word(const proxy_balancer *b, const proxy_worker *member)
{
    const lb_phase_t phase = lb_health_phase(b, member);
    const unsigned int status =
        member->s->status | (phase == LB_IN_SERVICE ? 0 : PROXY_WORKER_IN_ERROR);
    static const struct {
        unsigned int bits;
        const char *word;
    } states[] = {
        { PROXY_WORKER_STOPPED, "stopped" },
        { PROXY_WORKER_DISABLED, "disabled" },
        { PROXY_WORKER_IN_SHUTDOWN, "shutdown" },
        { PROXY_WORKER_IN_ERROR, "error" },
        { PROXY_WORKER_HC_FAIL, "health_fail" },
        { PROXY_WORKER_DRAIN, "draining" },
        { PROXY_WORKER_HOT_STANDBY, "standby" },
        { PROXY_WORKER_HOT_SPARE, "spare" },
    };
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (status & states[i].bits) {
            return states[i].bits == PROXY_WORKER_IN_ERROR && phase == LB_ON_TRIAL
                   ? "trial" : states[i].word;
        }
    }
    return "ok";
}

static const char *flush_word(const proxy_worker_shared *s)
{
    switch (s->flush_packets) {
    case flush_on:
        return "on";
    case flush_auto:
        return "auto";
    default:
        return "off";
    }
}

static void copy_settings(apr_pool_t *p, const proxy_worker_shared *s, lb_member_view_t *view)
{
    view->url = apr_pstrdup(p, s->name_ex);
    view->scheme = apr_pstrdup(p, s->scheme);
    view->hostname = apr_pstrdup(p, s->hostname_ex);
    view->port = *s->uds_path ? 0 : s->port;
    view->route = apr_pstrdup(p, s->route);
    view->redirect = apr_pstrdup(p, s->redirect);
    view->weight_hundredths = s->lbfactor;
    view->lbset = s->lbset;
    view->retries = s->retries;
    view->retry = s->retry;
    view->pool_min = s->min;
    view->pool_smax = s->smax;
    view->pool_max = s->hmax;
    view->ttl = s->ttl;
    view->timeout = s->timeout_set ? s->timeout : 0;
    view->acquire = s->acquire_set ? s->acquire : 0;
    view->recv_buffer_bytes = s->recv_buffer_size_set ? s->recv_buffer_size : 0;
    view->io_buffer_bytes = s->io_buffer_size_set ? s->io_buffer_size : 0;
    view->keepalive = s->keepalive_set ? (int)s->keepalive : -1;
    view->flush_packets = flush_word(s);
    view->flush_wait = s->flush_wait;
}

static void copy_numbers(const proxy_balancer *b, proxy_worker *member, lb_member_view_t *view)
{
    const lb_member_row_t *row = lb_cluster_row(b, member);

    view->lbstatus = lb_provider_lbstatus(b, member);
    view->elected = atomic_load(&row->elected);
    view->in_flight = atomic_load(&row->in_flight);
    view->parked = lb_ledger_parked(lb_cluster_of(b)->ledger->table, lb_cluster_index(b, member));
    view->limit = atomic_load(&row->limit);
    view->queued = atomic_load(&row->waiting);
    view->queue_limit = atomic_load(&row->queue_limit);
    view->failures = atomic_load(&row->failures);
    view->last_error_at = atomic_load(&row->last_error_at);
    view->last_error =
        view->last_error_at ? lb_outcome_word((lb_outcome_t)atomic_load(&row->last_error)) : NULL;
    view->next_trial_at = lb_health_next_trial(b, member);
    view->since = atomic_load(&row->strikes.since);
    view->strikes = (int)lb_health_strikes(b, member);
    view->share_percent = 100 - (int)lb_member_state_held_back(b, member) / 100;
    view->drain_until = lb_drain_until(b, member);
    view->bytes_sent = (uint64_t)member->s->transferred;
    view->bytes_read = (uint64_t)member->s->read;
}

static void copy_configured(apr_pool_t *p, const lb_cluster_t *cluster, proxy_worker *member,
                            lb_member_view_t *view)
{
    const lb_configured_t *configured = lb_roster_configured(cluster->roster, member->s->index);
    const proxy_worker_shared *s = configured ? configured->values : member->s;

    view->is_added = !configured;
    view->config_url = apr_pstrdup(p, s->name_ex);
    view->config_weight_hundredths = s->lbfactor;
    view->config_lbset = s->lbset;
    view->config_route = apr_pstrdup(p, s->route);
    view->config_redirect = apr_pstrdup(p, s->redirect);
    view->config_status_bits = s->status;
}

static void copy_check(const lb_check_row_t *row, const proxy_worker *member,
                       lb_member_view_t *view)
{
    view->is_checked = lb_checks_concern(member);
    view->checked_at = atomic_load(&row->checked_at);
    view->check_outcome =
        view->checked_at ? lb_outcome_word((lb_outcome_t)atomic_load(&row->outcome)) : NULL;
    view->check_passes = atomic_load(&row->passes);
    view->check_fails = atomic_load(&row->fails);
    view->check_took = atomic_load(&row->took_us);
    view->fpm_numbers_at = atomic_load(&row->fpm_at);
    view->fpm = (lb_fpm_numbers_t){
        .idle = atomic_load(&row->fpm_idle),
        .active = atomic_load(&row->fpm_active),
        .total = atomic_load(&row->fpm_total),
        .listen_queue = atomic_load(&row->fpm_listen_queue),
        .max_children_reached = atomic_load(&row->fpm_max_children_reached),
    };
}

static void view_member(apr_pool_t *p, const lb_cluster_t *cluster, proxy_worker *member,
                        lb_member_view_t *view)
{
    view->name = apr_pstrdup(p, ap_proxy_worker_name(p, member));
    view->state = lb_roster_leaves(cluster->roster, member)
                  ? "removing" : state_word(cluster->balancer, member);
    view->status = ap_proxy_parse_wstatus(p, member);
    view->status_bits = member->s->status;
    copy_settings(p, member->s, view);
    copy_numbers(cluster->balancer, member, view);
    copy_configured(p, cluster, member, view);
    copy_check(&lb_cluster_row(cluster->balancer, member)->check, member, view);
}

static void view_balancer(apr_pool_t *p, const lb_cluster_t *cluster, lb_balancer_view_t *view)
{
    const proxy_balancer *b = cluster->balancer;
    const proxy_balancer_shared *s = b->s;

    view->id = cluster->id;
    view->vhost = cluster->vhost;
    view->name = apr_pstrdup(p, s->name);
    view->key = view->name + sizeof(BALANCER_PREFIX) - 1;
    view->lbmethod = b->lbmethod->name;
    view->sticky = apr_pstrdup(p, s->sticky);
    view->sticky_path = apr_pstrdup(p, s->sticky_path);
    view->nofailover = s->sticky_force;
    view->forcerecovery = s->forcerecovery;
    view->path_delimiter_is_semicolon = s->scolonsep;
    view->timeout = s->timeout;
    view->max_attempts = s->max_attempts_set ? s->max_attempts : -1;
    view->nonce = apr_pstrdup(p, s->nonce);
    view->queued = atomic_load(&cluster->row->waiting);
    view->free_slots = (int)b->storage->num_free_slots(b->wslot);
    view->is_persistent = cluster->is_persistent;
    view->config_lbmethod = cluster->baseline->lbpname;
    view->config_sticky = cluster->baseline->sticky;
    view->config_sticky_path = cluster->baseline->sticky_path;
    view->config_nofailover = cluster->baseline->sticky_force;
    view->config_timeout = cluster->baseline->timeout;
    view->config_max_attempts =
        cluster->baseline->max_attempts_set ? cluster->baseline->max_attempts : -1;
    view->members = apr_array_make(p, b->workers->nelts, sizeof(lb_member_view_t));
    for (int i = 0; i < b->workers->nelts; i++) {
        proxy_worker *member = lb_cluster_member(b, i);
        if (member) {
            view_member(p, cluster, member, apr_array_push(view->members));
        }
    }
}

apr_array_header_t *lb_snapshot_take(apr_pool_t *p, server_rec *any)
{
    const apr_array_header_t *all = lb_cluster_all();
    apr_array_header_t *views = apr_array_make(p, all->nelts, sizeof(lb_balancer_view_t));

    for (int i = 0; i < all->nelts; i++) {
        lb_cluster_t *cluster = APR_ARRAY_IDX(all, i, lb_cluster_t *);
        lb_operate_tidy(cluster, any);
        lb_drain_end_due(cluster->balancer, any);
        view_balancer(p, cluster, apr_array_push(views));
    }
    return views;
}
