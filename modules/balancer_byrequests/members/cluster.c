/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* cluster.c - see cluster.h. */
#include "cluster.h"

#include <stdlib.h>

#include "ap_provider.h"
#include "wall_clock.h"

static apr_array_header_t *clusters;

lb_cluster_t *lb_cluster_of(const proxy_balancer *balancer)
{
    return balancer->context;
}

apr_array_header_t *lb_cluster_all(void)
{
    return clusters;
}

void lb_cluster_begin(apr_pool_t *pconf)
{
    clusters = apr_array_make(pconf, 8, sizeof(lb_cluster_t *));
}

void lb_cluster_enter(lb_cluster_t *cluster)
{
    APR_ARRAY_PUSH(clusters, lb_cluster_t *) = cluster;
}

lb_cluster_t *lb_cluster_inherited_by(const proxy_balancer *b)
{
    for (int i = 0; i < clusters->nelts; i++) {
        lb_cluster_t *cluster = APR_ARRAY_IDX(clusters, i, lb_cluster_t *);
        if (cluster->balancer->workers == b->workers) {
            return cluster;
        }
    }
    return NULL;
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

uint32_t lb_cluster_balancer_index(const proxy_balancer *balancer)
{
    const lb_cluster_t *cluster = lb_cluster_of(balancer);
    return lb_table_balancer_index(cluster->ledger->table, cluster->row);
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
