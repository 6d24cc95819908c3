/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* other_method.c - see other_method.h. */
#include "other_method.h"

#include "cluster.h"
#include "member_state.h"
#include "slow_start.h"

/* bybusyness compares busy and asks the weight only at a draw. So busy is how full the member would
 * be for its weight with this request, in parts that are small for every weight. */
#define BUSY_PARTS 1000000

/* A copy that is usable whatever its flags are: our rules have decided that. */
static proxy_worker *copy_of(apr_pool_t *p, const proxy_balancer *b, const proxy_worker *member)
{
    proxy_worker *copy = apr_pmemdup(p, member, sizeof(*member));
    const uint64_t in_flight = atomic_load(&lb_cluster_row(b, member)->in_flight);
    const uint32_t share = LB_FULL_SHARE - lb_member_state_held_back(b, member);

    copy->s = apr_pmemdup(p, member->s, sizeof(*member->s));
    copy->s->status = PROXY_WORKER_INITIALIZED;
    copy->s->lbset = 0;
    copy->s->lbfactor = (int)((uint32_t)member->s->lbfactor * share / LB_FULL_SHARE);
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

static proxy_worker *choose(apr_pool_t *p, const proxy_balancer *balancer,
                            proxy_worker *const *members, size_t count, request_rec *r)
{
    proxy_balancer *stand_in = apr_pmemdup(p, balancer, sizeof(*balancer));

    stand_in->workers = apr_array_make(p, (int)count, sizeof(proxy_worker *));
    for (size_t i = 0; i < count; i++) {
        APR_ARRAY_PUSH(stand_in->workers, proxy_worker *) = copy_of(p, balancer, members[i]);
    }
    const int chosen = index_of(stand_in->workers, balancer->lbmethod->finder(stand_in, r));
    for (size_t i = 0; i < count; i++) {
        members[i]->s->lbstatus =
            APR_ARRAY_IDX(stand_in->workers, i, proxy_worker *)->s->lbstatus;
    }
    return chosen < 0 ? NULL : members[chosen];
}

proxy_worker *lb_other_method_elect(const proxy_balancer *balancer, proxy_worker *const *members,
                                size_t count, request_rec *r)
{
    apr_pool_t *p;

    apr_pool_create(&p, r->pool);
    apr_pool_tag(p, "balancer_stand_in");
    proxy_worker *chosen = choose(p, balancer, members, count, r);
    apr_pool_destroy(p);
    return chosen;
}
