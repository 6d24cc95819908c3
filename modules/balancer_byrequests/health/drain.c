/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* drain.c - see drain.h. */
#include "drain.h"

#include "clock.h"
#include "cluster.h"
#include "fastcgi_log.h"
#include "http_log.h"
#include "state_keeper.h"
#include "status_word.h"
#include "wall_clock.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

void lb_drain_forget_old(const proxy_balancer *b, const proxy_worker *member)
{
    if (!PROXY_WORKER_IS_DRAINING(member)) {
        atomic_store(&lb_cluster_row(b, member)->drain_until, 0);
    }
}

void lb_drain_set_deadline(const proxy_balancer *b, const proxy_worker *member,
                           apr_interval_time_t deadline)
{
    if (deadline >= 0) {
        atomic_store(&lb_cluster_row(b, member)->drain_until,
                     deadline > 0 ? fcgi_now() + deadline : 0);
    }
    lb_drain_forget_old(b, member);    /* the action may have ended the drain */
}

void lb_drain_end_if_due(const proxy_balancer *b, proxy_worker *member, server_rec *s)
{
    if (!PROXY_WORKER_IS_DRAINING(member)) {
        return;
    }
    _Atomic int64_t *until = &lb_cluster_row(b, member)->drain_until;
    int64_t seen = atomic_load(until);

    /* Who takes the deadline away carries it out; a later deadline stays. */
    if (seen == 0 || fcgi_now() < seen || !atomic_compare_exchange_strong(until, &seen, 0)) {
        return;
    }
    lb_status_word_change(&member->s->status, PROXY_WORKER_DISABLED, PROXY_WORKER_DRAIN);
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s, FCLOGNO(0485)
                 "%s: member %s: draining -> disabled (its deadline has passed)", b->s->name,
                 member->s->name_ex);
    lb_state_keeper_note_change();
}

void lb_drain_end_due(const proxy_balancer *b, server_rec *s)
{
    for (int i = 0; i < b->workers->nelts; i++) {
        proxy_worker *member = lb_cluster_member(b, i);
        if (member) {
            lb_drain_end_if_due(b, member, s);
        }
    }
}

apr_time_t lb_drain_until(const proxy_balancer *b, const proxy_worker *member)
{
    return PROXY_WORKER_IS_DRAINING(member)
           ? lb_wall_clock_of(atomic_load(&lb_cluster_row(b, member)->drain_until)) : 0;
}

int lb_drain_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    const apr_array_header_t *all = lb_cluster_all();

    for (int i = 0; all && i < all->nelts; i++) {
        const proxy_balancer *b = APR_ARRAY_IDX(all, i, lb_cluster_t *)->balancer;
        for (int k = 0; k < b->workers->nelts; k++) {
            const proxy_worker *member = lb_cluster_member(b, k);
            if (member) {
                lb_drain_forget_old(b, member);
            }
        }
    }
    return OK;
}
