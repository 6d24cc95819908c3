/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* other_method.c - see other_method.h. */
#include "other_method.h"

#include "member_state.h"
#include "slow_start.h"

/* bybusyness compares busy and asks the weight only at a draw. So busy is how full the member would
 * be for its weight with this request, in parts that are small for every weight. */
#define BUSY_PARTS 1000000

/* A copy that is usable whatever its flags are: our rules have decided that. */
static proxy_worker *copy_of(apr_pool_t *p, const lb_member_t *member)
{
    const proxy_worker_shared *s = member->worker->s;
    proxy_worker *copy = apr_pmemdup(p, member->worker, sizeof(*copy));
    const uint64_t in_flight = atomic_load(&member->row->in_flight);
    const uint32_t share = LB_FULL_SHARE - lb_member_state_held_back(member);

    copy->s = apr_pmemdup(p, s, sizeof(*s));
    copy->s->status = PROXY_WORKER_INITIALIZED;
    copy->s->lbset = 0;
    copy->s->lbfactor = (int)((uint32_t)s->lbfactor * share / LB_FULL_SHARE);
    if (copy->s->lbfactor < 1) {
        copy->s->lbfactor = 1;
    }
    copy->s->busy = (apr_size_t)((in_flight + 1) * BUSY_PARTS / (uint64_t)copy->s->lbfactor);
    return copy;
}

static int index_of(const apr_array_header_t *copies, const proxy_worker *copy)
{
    for (int i = 0; i < copies->nelts; i++) {
        if (APR_ARRAY_IDX(copies, i, const proxy_worker *) == copy) {
            return i;
        }
    }
    return -1;
}

static lb_member_t choose(apr_pool_t *p, const proxy_balancer *proxy, const lb_member_t *members,
                          size_t count, request_rec *r)
{
    proxy_balancer *stand_in = apr_pmemdup(p, proxy, sizeof(*proxy));

    stand_in->workers = apr_array_make(p, (int)count, sizeof(proxy_worker *));
    for (size_t i = 0; i < count; i++) {
        APR_ARRAY_PUSH(stand_in->workers, proxy_worker *) = copy_of(p, &members[i]);
    }
    const int chosen = index_of(stand_in->workers, proxy->lbmethod->finder(stand_in, r));
    for (size_t i = 0; i < count; i++) {
        members[i].worker->s->lbstatus =
            APR_ARRAY_IDX(stand_in->workers, i, proxy_worker *)->s->lbstatus;
    }
    return chosen >= 0 ? members[chosen] : (lb_member_t){ 0 };
}

lb_member_t lb_other_method_elect(const proxy_balancer *proxy, const lb_member_t *members,
                                  size_t count, request_rec *r)
{
    apr_pool_t *p;

    apr_pool_create(&p, r->pool);
    apr_pool_tag(p, "balancer_stand_in");
    const lb_member_t chosen = choose(p, proxy, members, count, r);
    apr_pool_destroy(p);
    return chosen;
}
