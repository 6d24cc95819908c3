/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* drain.c - see drain.h. */
#include "drain.h"

#include "clock.h"
#include "fastcgi_log.h"
#include "http_log.h"
#include "member_state.h"
#include "state_keeper.h"
#include "wall_clock.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

void lb_drain_forget_old(const lb_member_t *member)
{
    if (!PROXY_WORKER_IS_DRAINING(member->worker)) {
        atomic_store(&member->row->drain_until, 0);
    }
}

void lb_drain_set_deadline(const lb_member_t *member, apr_interval_time_t deadline)
{
    atomic_store(&member->row->drain_until, deadline > 0 ? fc_now() + deadline : 0);
}

static void end_if_due(const lb_member_t *member, server_rec *s)
{
    if (!PROXY_WORKER_IS_DRAINING(member->worker)) {
        return;
    }
    _Atomic int64_t *until = &member->row->drain_until;
    int64_t seen = atomic_load(until);

    /* Who takes the deadline away carries it out; a later deadline stays. */
    if (seen == 0 || fc_now() < seen || !atomic_compare_exchange_strong(until, &seen, 0)) {
        return;
    }
    lb_member_change_status(member, PROXY_WORKER_DISABLED, PROXY_WORKER_DRAIN);
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s, FCLOGNO(0485)
                 "%s: member %s: draining -> disabled (its deadline has passed)",
                 member->balancer->proxy->s->name, member->worker->s->name_ex);
    lb_member_state_note(member, LB_CAUSE_DEADLINE, "");
    lb_state_keeper_note_change();
}

void lb_drain_end_due(const lb_balancer_t *balancer, server_rec *s)
{
    lb_member_t member;

    for (int i = 0; lb_member_next(balancer, &i, &member);) {
        end_if_due(&member, s);
    }
}

apr_time_t lb_drain_until(const lb_member_t *member)
{
    return PROXY_WORKER_IS_DRAINING(member->worker)
               ? lb_wall_clock_of(atomic_load(&member->row->drain_until))
               : 0;
}

int lb_drain_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    const apr_array_header_t *all = lb_balancer_all();
    lb_member_t member;

    for (int i = 0; all && i < all->nelts; i++) {
        const lb_balancer_t *balancer = APR_ARRAY_IDX(all, i, lb_balancer_t *);
        for (int k = 0; lb_member_next(balancer, &k, &member);) {
            lb_drain_forget_old(&member);
        }
    }
    return OK;
}
